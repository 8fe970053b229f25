"""Schemes: who is trained on which rows, taught by whom. Pure data, one file each, found by the registry."""
