"""Tokenizers: made from a corpus, loaded from a folder, looked at."""
