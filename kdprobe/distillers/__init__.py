"""Distillers: what a student is asked to take over from its teacher. One file each, found by the registry."""
