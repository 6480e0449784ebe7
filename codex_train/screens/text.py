"""Figures and names as text for a terminal."""

from __future__ import annotations

import math

from codex_evidence.command_line import printable

__all__ = ["duration", "figure", "printable"]


def duration(seconds: float) -> str:
    """h:mm:ss; `?` for a time that is not known."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def figure(value: object, form: str, unknown: str = "-") -> str:
    """``value`` in the format ``form`` if it is a number, else ``unknown``."""
    return format(value, form) if isinstance(value, int | float) else unknown
