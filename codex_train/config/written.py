"""What a user wrote, before anyone knows what it means: texts, lists and mappings, each with its place.

A number is still a text here, so that `name: 010` stays a name and `lr: 1e-3` becomes a number, whatever YAML makes of
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from codex_evidence.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scalar:
    """``quoted`` ones are texts whatever they look like."""

    text: str
    quoted: bool
    place: str


@dataclass(frozen=True, slots=True)
class Items:
    values: tuple[Written, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """No name stands twice among the keys."""

    entries: tuple[tuple[Key, Written], ...]
    place: str


Written = Scalar | Items | Pairs

_MOST_SHOWN = 60


def refuse(place: str, problem: str) -> NoReturn:
    """Raises UsageError for what stands at ``place`` (``file:line`` or the override)."""
    raise UsageError(f"{place}: {problem}" if place else problem)


def as_written(value: Written) -> str:
    """``value`` for a message, one line."""
    if isinstance(value, Items):
        text = "a list"
    elif isinstance(value, Pairs):
        text = "a mapping"
    elif value.quoted:
        text = f"the text {value.text!r}"
    else:
        text = repr(value.text) if value.text else "nothing"
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."
