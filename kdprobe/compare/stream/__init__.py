"""Rows as they come: which of them count, what is kept of each, and which are kept whole."""
