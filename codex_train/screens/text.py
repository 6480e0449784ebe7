"""Figures and names as text for a terminal."""

from __future__ import annotations

import math


def printable(text: str) -> str:
    """``text`` on one line, harmless to a terminal: what a foreign folder holds may be anything."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def duration(seconds: float) -> str:
    """h:mm:ss; `?` for a time that is not known."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def figure(value: object, form: str, unknown: str = "-") -> str:
    """``value`` in the format ``form`` if it is a number, else ``unknown``."""
    return format(value, form) if isinstance(value, int | float) else unknown
