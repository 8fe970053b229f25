"""Similarities of two representations that are no kernel alignment."""
