"""The names that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 300


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """` (nearest: a, b)` with the names of ``known`` that look like ``word``; empty when none does."""
    names = sorted(set(known))
    if close := get_close_matches(word, names, n=most, cutoff=0.5):
        return f" (nearest: {', '.join(close)})"
    return ""


def one_line(error: BaseException) -> str:
    """An error's message on one line, and not without end: what libraries raise often runs over many."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
