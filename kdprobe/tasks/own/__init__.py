"""Data of one's own: from files, frames and arrays to a task."""
