"""Measures what a student network really learned from its teacher."""

__version__ = "0.1.0"
