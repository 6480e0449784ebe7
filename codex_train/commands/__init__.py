"""One module a verb of ``codex-train``."""
