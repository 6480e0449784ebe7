"""Writing safetensors files straight from the memory that holds the tensors, hashing beside the writing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from codex_evidence.errors import TensorFileError, WriteError
from codex_evidence.names import shown
from codex_evidence.tensor_state import BITS, TensorDigest, as_bytes, size_of

METADATA = "__metadata__"

_ALIGNMENT = 8
_WORTH_A_THREAD = 256 * 1024  # bytes; below, handing over takes longer than hashing
_TYPES = {dtype: place for place, dtype in enumerate(BITS)}


@dataclass(frozen=True, slots=True)
class RawTensor:
    """A tensor to be written: ``data`` is a C-contiguous buffer of its little-endian bytes, or a function that gives
    one when it is its turn, so that copies from another device need not lie in memory all at once."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Any | Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Written:
    """The file's size in bytes and digest, and the digest of each tensor for ``combined_digest``."""

    size: int
    sha256: str
    tensors: tuple[TensorDigest, ...]


def write_tensors(
    path: Path, tensors: Iterable[RawTensor], metadata: Mapping[str, str] | None = None
) -> Written:
    """Makes the safetensors file ``path``, which must not exist, and has it on disk on return.

    The bytes are those that the format's own library writes for the same tensors, wide types first, then by name.
    ``metadata`` may have one key: the library writes more in random order, so that no digest of them would last.
    Raises WriteError (and leaves nothing behind), and TensorFileError for tensors that cannot be written.
    """
    ordered = sorted(tensors, key=lambda tensor: (-_TYPES.get(tensor.dtype, 0), tensor.name))
    header = header_bytes(ordered, metadata or {})
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                written = _write(file, header, ordered)
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError(f"cannot write {shown(path)}: {error.strerror}") from error
    return written


def header_bytes(tensors: Iterable[RawTensor], metadata: Mapping[str, str]) -> bytes:
    """The length and the header of a file that holds ``tensors`` in this order. Raises TensorFileError."""
    if len(metadata) > 1:
        raise TensorFileError("more than one metadata key; put one that holds JSON")
    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    reached = 0
    for tensor in tensors:
        if tensor.name in entries or tensor.name == METADATA:
            raise TensorFileError(f"two tensors called {tensor.name!a}")
        end = reached + size_of(tensor.dtype, tensor.shape)
        shape = list(tensor.shape)
        entries[tensor.name] = {"dtype": tensor.dtype, "shape": shape, "data_offsets": [reached, end]}
        reached = end
    text = msgspec.json.encode(entries)
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _write(file: BinaryIO, header: bytes, tensors: list[RawTensor]) -> Written:
    whole = hashlib.sha256(header)
    size = _write_all(file, memoryview(header))
    digests: list[TensorDigest] = []
    with ThreadPoolExecutor(2, "tensor-digest") as pool:
        for tensor in tensors:
            data = _bytes_of(tensor)
            own = hashlib.sha256()
            if len(data) < _WORTH_A_THREAD:
                own.update(data)
                whole.update(data)
                size += _write_all(file, data)
            else:
                waiting = [pool.submit(digest.update, data) for digest in (whole, own)]
                size += _write_all(file, data)
                for hashed in waiting:
                    hashed.result()
            digests.append(TensorDigest(tensor.name, tensor.dtype, tuple(tensor.shape), own.hexdigest()))
    return Written(size, whole.hexdigest(), tuple(digests))


def _bytes_of(tensor: RawTensor) -> memoryview:
    data = as_bytes(tensor.data() if callable(tensor.data) else tensor.data)
    expected = size_of(tensor.dtype, tensor.shape)
    if len(data) != expected:
        raise TensorFileError(
            f"tensor {tensor.name!a} has {len(data)} bytes; its shape and type take {expected}"
        )
    return data


def _write_all(file: BinaryIO, data: memoryview) -> int:
    done = 0
    while done < len(data):  # one call writes at most 2 GiB, and less on a full disk
        done += file.write(data[done:])
    return done
