"""Families of networks: one file each, found by the registry."""
