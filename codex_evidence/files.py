"""Reading regular files and nothing else: no symlink is followed, no fifo or device can block the reader."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO

from codex_evidence.errors import UnreadableError
from codex_evidence.names import shown

FilePath = str | bytes | os.PathLike[str]


def open_regular(path: FilePath) -> FileIO:
    """``path`` opened for unbuffered reading. Raises UnreadableError unless it is a readable regular file."""
    # O_NONBLOCK: opening a fifo without a writer would wait for ever. It has no effect on regular files.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        followed = isinstance(error, OSError) and error.errno == errno.ELOOP
        reason = "a symlink, and none is followed" if followed else getattr(error, "strerror", None) or error
        raise UnreadableError(f"cannot read {shown(path)}: {reason}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError(f"cannot read {shown(path)}: not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def read_bytes(path: FilePath, *, max_bytes: int) -> bytes:
    """The bytes of the regular file ``path``. Raises UnreadableError, also for more than ``max_bytes``."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise UnreadableError(f"cannot read {shown(path)}: larger than {max_bytes} bytes")
        try:
            data = _read_at_most(file, max_bytes + 1)
        except OSError as error:
            raise UnreadableError(f"cannot read {shown(path)}: {error.strerror}") from error
    if len(data) > max_bytes:  # it grew, or is a pseudo-file that claims to be empty
        raise UnreadableError(f"cannot read {shown(path)}: larger than {max_bytes} bytes")
    return data


def _read_at_most(file: FileIO, limit: int) -> bytes:
    chunks: list[bytes] = []
    while limit > 0 and (chunk := file.read(min(limit, 1 << 20))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)
