"""A student followed while it learns: the same few rows, the same few probes, step after step."""
