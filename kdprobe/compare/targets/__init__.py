"""Several targets in one model: labels that do not exclude each other, and several values a row."""
