"""Many models at once: the fast engines, and what keeps a model the same bits whatever is trained beside it."""
