"""Files that are there whole or not at all, also after a crash."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from codex_evidence.errors import WriteError
from codex_evidence.names import shown

TEMPORARY_PREFIX = ".codex-write-"


def write_bytes(path: Path, data: bytes) -> None:
    """Makes ``path`` a regular file that holds ``data``; its folder must exist.

    A reader sees the former content or the new one, never a part, and the new one is on disk on return.
    A symlink at ``path`` is replaced, not followed. Raises WriteError. A process that is killed may leave a
    file behind whose name starts with TEMPORARY_PREFIX.
    """
    temporary = path.with_name(TEMPORARY_PREFIX + secrets.token_hex(8))
    try:
        _write_new(temporary, data)
        try:
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise WriteError(f"cannot write {shown(path)}: {error.strerror}") from error


def remove(path: Path) -> None:
    """Removes the file or symlink ``path`` durably; none is fine. Raises WriteError."""
    try:
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileNotFoundError:
        return  # not even the folder is there
    except OSError as error:
        raise WriteError(f"cannot remove {shown(path)}: {error.strerror}") from error


def _write_new(path: Path, data: bytes) -> None:
    # Not tempfile: its files are private (0600) whatever the umask, and reports are meant to be read.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    # Without this a crash can forget the rename although the file itself is safe.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
