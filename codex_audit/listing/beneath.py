"""Opening what lies beneath a folder without leaving it: no symlink is followed, at any depth.

Paths are bytes, relative, with ``/``. Each folder is opened from the one above it, so that a symlink among
the parents (also one put there a moment ago) is an error and not a way out, and a path may be longer than
PATH_MAX.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codex_evidence.errors import UnreadableError
from codex_evidence.names import shown

CHUNK = 1 << 20

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

# A folder that may be searched but not read still gives its known names; only Linux can open it for that.
if sys.platform == "linux":
    _SEARCH = _FOLDER | os.O_PATH
else:
    _SEARCH = _FOLDER | os.O_RDONLY


@contextmanager
def folder(root: Path, relative: bytes) -> Iterator[int]:
    """A descriptor of the folder ``relative`` (empty for ``root`` itself), good for ``dir_fd``. Raises
    OSError."""
    if relative and not is_beneath(relative):
        raise UnreadableError(f"cannot read {shown(relative)}: not a path beneath its tree")
    descriptor = os.open(root, _SEARCH & ~os.O_NOFOLLOW)
    try:
        for name in relative.split(b"/") if relative else ():
            below = os.open(name, _SEARCH, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def readable_folder(root: Path, relative: bytes) -> Iterator[int]:
    """As ``folder``, good for ``os.scandir`` too."""
    with folder(root, relative) as searchable:
        descriptor = os.open(b".", _FOLDER | os.O_RDONLY, dir_fd=searchable)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened(name: bytes, within: int) -> Iterator[int]:
    """A descriptor of the file ``name`` in the folder ``within``. Never waits: a fifo opens at once. Raises
    OSError."""
    descriptor = os.open(name, _FILE, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_at_most(descriptor: int, limit: int) -> bytes:
    """What can be read of ``descriptor``, ``limit`` bytes at most. Raises OSError."""
    chunks: list[bytes] = []
    while limit > 0 and (chunk := os.read(descriptor, min(limit, CHUNK))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def is_beneath(path: bytes) -> bool:
    """Whether ``path`` is relative and made of names alone: no empty part, no dot, no two dots, no NUL."""
    return b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))


def split(path: bytes) -> tuple[bytes, bytes]:
    """The folder of ``path`` (empty at the top) and the name in it."""
    parent, _, name = path.rpartition(b"/")
    return parent, name
