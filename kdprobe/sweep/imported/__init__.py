"""Models that were trained elsewhere, measured as a sweep measures its own."""
