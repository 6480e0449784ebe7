"""Well-kept tools, run on a tree that may be hostile, and what they found in one form."""
