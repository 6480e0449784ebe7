"""Detectors of findings: one module each, pure functions over the facts of a tree."""
