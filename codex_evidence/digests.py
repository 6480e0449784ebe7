"""SHA-256 (FIPS 180-4) of bytes, files and trees, as 64 lower-case hexadecimal digits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from codex_evidence.errors import UnreadableError
from codex_evidence.files import FilePath, open_regular
from codex_evidence.names import shown

_CHUNK = 1 << 20


def sha256_hex(data: bytes) -> str:
    """The digest of ``data``."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: FilePath) -> tuple[str, int]:
    """Digest and size in bytes of what was read of the regular file ``path``, in constant memory.

    Raises UnreadableError for whatever is no readable regular file, symlinks included.
    """
    digest, size = hashlib.sha256(), 0
    with open_regular(path) as file:
        try:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        except OSError as error:
            raise UnreadableError(f"cannot read {shown(path)}: {error.strerror}") from error
    return digest.hexdigest(), size


def tree_sha256(entries: Iterable[tuple[str, str, str]]) -> str:
    """One digest over ``(path, mode, sha256)`` entries, whatever their order.

    The hashed bytes are ``mode SP sha256 SP path NUL`` for each entry, in bytewise order of path (then mode,
    then digest). No name holds a NUL and neither mode nor digest a space, so no two trees share these bytes.
    """
    tree = hashlib.sha256()
    for path, mode, digest in sorted(tuple(part.encode("utf-8") for part in entry) for entry in entries):
        tree.update(b"%b %b %b\x00" % (mode, digest, path))
    return tree.hexdigest()
