"""The configuration as a document: what a run records, and the digest that names it."""

from __future__ import annotations

from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.plain import to_plain
from codex_train.config.nouns import Config

SCHEMA = "codex-train/run_config/v1"


def config_plain(config: Config) -> dict[str, Any]:
    """All settings as plain data that follows the schema ``run_config``."""
    return {"schema": SCHEMA, **to_plain(config)}


def config_document(config: Config) -> bytes:
    """``config_plain`` in its RFC 8785 bytes."""
    return canonical_bytes(config_plain(config))


def config_digest(config: Config) -> str:
    """SHA-256 of ``config_document``. Paths count as they are given, so that a checkout may move."""
    return sha256_hex(config_document(config))
