"""How right the probes are: what was measured on labelled repositories. No verdict depends on it."""
