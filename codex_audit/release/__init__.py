"""The release check: one item a question, each passed, failed or skipped with its reason."""
