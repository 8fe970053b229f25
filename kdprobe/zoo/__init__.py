"""Zoos: a directory on disk with trained models, what was measured of them, and where they came from."""

from kdprobe.zoo.store import Zoo

__all__ = ["Zoo"]
