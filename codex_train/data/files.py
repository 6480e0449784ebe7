"""Which files a corpus is made of, and reading them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codex_evidence.digests import file_sha256, tree_sha256
from codex_evidence.errors import CodexError, UnreadableError, UsageError
from codex_evidence.files import open_regular
from codex_evidence.names import shown
from codex_train.config.paths import expand

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the corpus, or a folder that is one data set. ``name`` is what the configuration calls it; ``size`` is
    in bytes; the digest of a folder is that of its tree of files."""

    name: str
    path: Path
    size: int
    sha256: str


def find_sources(
    patterns: Sequence[str], base: Path, *, folders: bool, configured: bool = True
) -> tuple[Source, ...]:
    """What ``patterns`` (paths and globs, relative to ``base``) name, each once, in bytewise order of path.

    A symlink stands for what it points to: the digest says what was read. Errors speak of the setting data.files if
    the patterns are ``configured``. Raises UsageError for a pattern without a
    file and for a folder where files are wanted (or the reverse), UnreadableError for what cannot be read.
    """
    if not patterns:
        example = "data.files is empty; give paths or globs, such as data.files=['corpus/*.txt']"
        raise UsageError(example if configured else "no file is named; give paths or globs")
    for pattern in patterns:
        if not pattern or "\0" in pattern:
            where = "data.files: " if configured else ""
            raise UsageError(f"{where}{pattern!a} is no path; give paths or globs")
    return tuple(_source(path, base, folders) for path in expand(patterns, base, configured=configured))


def _source(path: Path, base: Path, folders: bool) -> Source:
    name = str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
    if path.is_dir():
        if folders:
            return _folder_source(name, path)
        raise UsageError(f"{shown(path)} is a folder; give its files, such as {shown(path / '*')}")
    if path.is_symlink() and not path.exists():
        raise UnreadableError(f"{shown(path)} is a symlink that leads nowhere; mend it or leave it out")
    if folders:
        raise UsageError(f"{shown(path)} is no folder; data.format=dataset reads what save_to_disk wrote")
    return _file_source(name, path)


def _file_source(name: str, path: Path) -> Source:
    sha256, size = file_sha256(os.path.realpath(path))
    return Source(name, path, size, sha256)


def _folder_source(name: str, path: Path) -> Source:
    total, entries = 0, []
    for one in sorted(path.rglob("*")):
        if one.is_file():
            sha256, size = file_sha256(os.path.realpath(one))
            entries.append((os.fsencode(one.relative_to(path)).decode("utf-8", "replace"), "100644", sha256))
            total += size
    return Source(name, path, total, tree_sha256(entries))


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The file of ``source`` for reading. When all of it was read it has to be what the digest was taken of: raises
    UnreadableError for one that was changed meanwhile."""
    with open_regular(os.path.realpath(source.path)) as file:
        hashing = _Hashing(file, source)
        try:
            yield io.BufferedReader(hashing, _CHUNK)
        except OSError as error:
            if isinstance(error, CodexError):
                raise
            raise UnreadableError(f"cannot read {shown(source.path)}: {error.strerror}") from error
        hashing.check()


class _Hashing(io.RawIOBase):
    """A file that digests what is read of it."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file, self._source, self._digest = file, source, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        return len(data)

    def check(self) -> None:
        if self._digest.hexdigest() != self._source.sha256:
            path = shown(self._source.path)
            raise UnreadableError(f"{path} changed while it was read; run again when nobody writes to it")
