"""What runs remember for each other, outside the audited tree: a cache, never a source of truth."""
