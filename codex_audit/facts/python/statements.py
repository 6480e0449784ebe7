"""The lines where statements begin, in a byte each: a large tree has a million of them."""

from __future__ import annotations

from collections.abc import Iterable

from codex_audit.facts.model import GAP


def packed(lines: Iterable[int]) -> bytes:
    """``PythonFacts.statements`` for these lines, whose order does not matter."""
    made, last = bytearray(), 0
    for line in sorted(lines):
        gaps, rest = divmod(line - last, GAP)
        made += bytes([GAP]) * gaps
        made.append(rest)
        last = line
    return bytes(made)
