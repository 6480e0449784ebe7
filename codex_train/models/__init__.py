"""What to build or load by name, adapters, and the names that weights have on disk."""
