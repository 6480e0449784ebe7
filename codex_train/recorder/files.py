"""Files that grow by lines while a run goes on."""

from __future__ import annotations

import os
from pathlib import Path

from codex_evidence.errors import WriteError
from codex_evidence.names import shown


class GrowingFile:
    """An empty file that whole lines are added to; each is with the operating system when ``append`` returns, so a
    killed process loses none, and on disk after ``sync``. Raises WriteError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed(error) from error

    def append(self, line: bytes) -> None:
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                self._complete(line, written)
        except OSError as error:
            raise self._failed(error) from error
        self._size += len(line)

    def sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _complete(self, line: bytes, written: int) -> None:
        """A disk that fills up takes a part of a line. The rest goes there, or the part goes away."""
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise

    def _failed(self, error: OSError) -> WriteError:
        return WriteError(f"cannot write {shown(self.path)}: {error.strerror}")
