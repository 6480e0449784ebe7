"""What the choice of the files to be read closely hangs on, so that an edit can tell whether it would be another."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from codex_audit.artifacts import FileEntry
from codex_audit.facts.words import WordFinder, names_in
from codex_audit.stages.remembered import digest
from codex_audit.stages.work import Work, is_text

CLOSE_BYTES = 12 << 20
"""Up to so many bytes of Python every file is read."""
BLOCK = 4096
"""Sizes count in such blocks, so that a few bytes more choose no other file."""


@dataclass(frozen=True, slots=True)
class Choice:
    """``words`` are those of the vocabulary and ``stems`` the names of the tree's modules; ``looks`` say of each file
    that was read closely how it looked to the choice."""

    words: frozenset[str]
    stems: frozenset[bytes]
    looks: dict[str, bytes]


def too_large(entries: Iterable[FileEntry]) -> bool:
    """Whether a tree of these files is not read whole."""
    return sum(entry.size for entry in entries if entry.path.endswith(".py") and is_text(entry)) > CLOSE_BYTES


def blocks(size: int) -> int:
    return size // BLOCK


def stem(path: str) -> bytes:
    """The name by which others import the module at ``path``."""
    return path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2].encode()


def look(size: int, words: AbstractSet[str], stems: AbstractSet[bytes]) -> bytes:
    """A digest of all that the choice sees of a file of ``size`` bytes: the ``words`` and the ``stems`` found in it."""
    found = sorted(word.encode() for word in words)
    return digest(str(blocks(size)).encode(), *found, b"", *sorted(stems))


def chosen_alike(choice: Choice | None, work: Work, changed: Iterable[FileEntry]) -> bool:
    """Whether the files ``changed``, read closely if they are Python, leave the choice as it was: only Python is chosen
    from. ``choice`` is None where the whole tree was read."""
    if too_large(work.listing.index.files) != (choice is not None):
        return False
    if choice is None:
        return True
    finder = WordFinder(choice.words)
    for entry in (entry for entry in changed if entry.path.endswith(".py")):
        data = work.bytes_of(entry)
        names = names_in(data)
        if look(len(data), finder.find(names), names & choice.stems) != choice.looks.get(entry.path):
            return False
    return True
