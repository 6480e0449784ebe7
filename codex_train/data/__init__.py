"""Corpora, splits, packing, the order of samples as a pure function, the data manifest. Knows no model."""
