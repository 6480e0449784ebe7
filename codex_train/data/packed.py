"""The files of packed blocks: written whole or not at all, and believed only when their digest is right.

A file holds tokens [n, context], then of rows with prompts the starts [n] and ends [n], then the bytes of text [n];
numbers are little-endian, the last three int32.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import UnreadableError
from codex_evidence.files import open_regular
from codex_evidence.names import shown
from codex_train.data.blocks import Blocks, target_mask
from codex_train.data.encoder import byte_lengths
from codex_train.data.sides import Side
from codex_train.data.transforms import Noise

TEMPORARY_PREFIX = ".codex-pack-"
_CHUNK = 1 << 20
_NUMBER = np.dtype("<i4")


@dataclass(frozen=True, slots=True)
class PackedFile:
    """``digest`` is the SHA-256 of the layout's JCS bytes, a line feed, tokens, starts and ends; ``seal`` goes on to
    the end of the file. ``bytes`` are those of text that the targets stand for, 0 where they are not known."""

    blocks: int
    documents: int
    context: int
    dtype: str
    masked: bool
    targets: int
    bytes: int
    digest: str
    seal: str

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes of what ``digest`` covers, and of the whole file."""
        tokens = self.blocks * self.context * np.dtype(self.dtype).itemsize
        marked = tokens + 2 * self.blocks * _NUMBER.itemsize * self.masked
        return marked, marked + self.blocks * _NUMBER.itemsize


def write_packed(
    path: Path, side: Side, context: int, dtype: np.dtype[Any], sizes: NDArray[np.int32] | None
) -> PackedFile:
    """Makes ``path`` the file of ``side``, durably; ``sizes`` are the bytes of each token, None where they are not
    known. Raises OSError, after which ``path`` is what it was before."""
    temporary = path.with_name(TEMPORARY_PREFIX + secrets.token_hex(8))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            packed = _write(file, side, context, dtype, sizes)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return packed


def _write(
    file: IO[bytes], side: Side, context: int, dtype: np.dtype[Any], sizes: NDArray[np.int32] | None
) -> PackedFile:
    digest = hashlib.sha256(_layout(side.count, context, dtype.str, side.starts is not None))
    lengths: list[NDArray[np.int32]] = []
    targets = at = 0
    for rows in side.rows():
        wanted = _wanted(side, at, len(rows), context)
        lengths.append(byte_lengths(sizes, rows, wanted))
        targets += int(np.count_nonzero(wanted))
        at += len(rows)
        _put(file, digest, np.ascontiguousarray(rows, dtype=dtype))
    for marks in (side.starts, side.ends):
        if marks is not None:
            _put(file, digest, marks.astype(_NUMBER))
    seen = digest.hexdigest()
    counted = np.concatenate(lengths).astype(_NUMBER)
    _put(file, digest, counted)
    return PackedFile(
        blocks=side.count,
        documents=side.documents,
        context=context,
        dtype=dtype.str,
        masked=side.starts is not None,
        targets=targets,
        bytes=int(counted.sum(dtype=np.int64)),
        digest=seen,
        seal=digest.hexdigest(),
    )


def _layout(blocks: int, context: int, dtype: str, masked: bool) -> bytes:
    layout = {"layout": "codex-train blocks v1", "blocks": blocks, "context": context, "dtype": dtype}
    return canonical_bytes(layout | {"masked": masked}) + b"\n"


def _wanted(side: Side, at: int, count: int, context: int) -> NDArray[np.bool_]:
    if side.starts is None or side.ends is None:
        none = np.zeros(count, np.int32)
        return target_mask(none, none + np.int32(context), context)
    return target_mask(side.starts[at : at + count], side.ends[at : at + count], context)


def _put(file: IO[bytes], digest: hashlib._Hash, data: NDArray[Any]) -> None:
    view = data.data.cast("B")
    digest.update(view)
    file.write(view)


def open_packed(path: Path, packed: PackedFile, noise: Noise | None) -> Blocks:
    """The blocks of ``path``, mapped, after all of its bytes were found to be those that ``packed`` describes. Raises
    UnreadableError: missing, of another size, or damaged."""
    with open_regular(path) as file:
        if _digests(file, packed) != (packed.digest, packed.seal):
            raise UnreadableError(f"{shown(path)} is damaged: its digest is another")
        mapped = mmap.mmap(file.fileno(), packed.sizes[1], access=mmap.ACCESS_READ)
    tokens = np.frombuffer(mapped, packed.dtype, packed.blocks * packed.context)
    numbers = _numbers(mapped, tokens.nbytes, packed)
    starts, ends = (next(numbers), next(numbers)) if packed.masked else (None, None)
    rows = tokens.reshape(packed.blocks, packed.context)
    return Blocks(rows, next(numbers), packed.digest, starts, ends, noise)


def _digests(file: IO[bytes], packed: PackedFile) -> tuple[str, str]:
    """Those of the bytes of ``file``, read and not mapped: mapped pages would count as memory of this process."""
    marked, size = packed.sizes
    digest = hashlib.sha256(_layout(packed.blocks, packed.context, packed.dtype, packed.masked))
    if os.fstat(file.fileno()).st_size != size:
        return "", ""
    left = marked
    while left and (chunk := file.read(min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    seen = digest.hexdigest()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return seen, digest.hexdigest()


def _numbers(mapped: mmap.mmap, at: int, packed: PackedFile) -> Iterator[NDArray[np.int32]]:
    """Each array after the tokens, copied: it need not be aligned where it lies."""
    while at < packed.sizes[1]:
        yield np.frombuffer(mapped, _NUMBER, packed.blocks, at).astype(np.int32)
        at += packed.blocks * _NUMBER.itemsize


def remove_leftovers(folder: Path) -> None:
    """Removes what a writer that was killed left behind. Nobody else may be writing in ``folder``."""
    for leftover in folder.glob(TEMPORARY_PREFIX + "*"):
        with suppress(OSError):  # it only takes room
            leftover.unlink()
