"""What the bytes of a Python file name, found without parsing it.

A file whose bytes lack a word cannot hold code that uses it, so a search for words says which files are worth the
parse, which takes ten times as long. A word may stand in a comment; that costs a parse and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names_in(data: bytes) -> set[bytes]:
    """Every identifier and keyword of ``data``, comments and strings included."""
    return set(_NAME.findall(data))


def word_parts(name: str) -> frozenset[str]:
    """The parts of a name, in lower case behind a ``~``: ``save_LoRA`` has ``~save``, ``~lo`` and ``~ra``."""
    return frozenset(f"~{part}" for part in name_pieces(name))


def name_pieces(text: str) -> frozenset[str]:
    """The parts of the names in ``text``, in lower case, of two letters or more."""
    return frozenset(part.lower() for part in _PART.findall(text) if len(part) > 1)


class WordFinder:
    """Finds which of ``wanted`` (identifiers, and parts of them behind ``~``) the names of a file hold.

    Remembers what it learned of each name: a tree uses the same ones over and over.
    """

    def __init__(self, wanted: AbstractSet[str]) -> None:
        self._wanted = frozenset(wanted)
        self._known: dict[bytes, frozenset[str]] = {}

    def find(self, names: AbstractSet[bytes]) -> frozenset[str]:
        found: set[str] = set()
        known = self._known
        for name in names:
            words = known.get(name)
            if words is None:
                text = name.decode("ascii")
                words = known[name] = (word_parts(text) | {text}) & self._wanted
            if words:
                found |= words
        return frozenset(found)
