"""Information, in nats: mutual information, usable information, and its decomposition."""
