"""Identities of findings that survive moved lines."""

from __future__ import annotations

from codex_audit.artifacts import Evidence
from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex


def fingerprint(rule: str, place: Evidence | None) -> str:
    """A digest of the rule, the symbol, the function around it and the line's text without its layout.

    No line number and no path: code that moves keeps its fingerprint, and code that changes loses it.
    """
    return digest_of(rule, *((place.symbol, place.scope, place.excerpt) if place is not None else ()))


def digest_of(*parts: str) -> str:
    """A digest of ``parts`` in which white space counts as one blank."""
    return sha256_hex(canonical_bytes([" ".join(part.split()) for part in parts]))
