"""Safetensors files without torch: a strict reader here, the writer and the digest of a state beside it.

The format: 8 bytes with the header's length (little-endian), a JSON header, the tensors' bytes without a gap
(https://github.com/huggingface/safetensors#format). Reading here is stricter than the format's own library: every
byte of a file belongs to the header or to exactly one tensor.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from codex_evidence.errors import StrictJsonError, TensorFileError, UnreadableError
from codex_evidence.files import FilePath, open_regular
from codex_evidence.names import shown
from codex_evidence.strict_json import loads
from codex_evidence.tensor_state import (
    TensorDigest,
    as_bytes,
    combined_digest,
    size_of,
    state_digest,
    tensor_digest,
)
from codex_evidence.tensor_writer import METADATA, RawTensor, Written, write_tensors

__all__ = [
    "MAX_HEADER",
    "METADATA",
    "FileDigest",
    "Header",
    "RawTensor",
    "TensorDigest",
    "TensorInfo",
    "Written",
    "as_bytes",
    "combined_digest",
    "digest_file",
    "file_tensors",
    "read_header",
    "size_of",
    "state_digest",
    "tensor_digest",
    "write_tensors",
]

MAX_HEADER = 64 * 2**20
_CHUNK = 1 << 20
_MOST_AXES = 64  # as numpy and torch
_LENGTH = 8
_FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """``begin`` and ``end`` are offsets in bytes from where the header ends."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """``tensors`` in the order of their bytes; these start ``data_start`` bytes into the file."""

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, str]
    data_start: int


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What one pass over a whole file gives."""

    size: int
    sha256: str
    header: Header
    tensors: tuple[TensorDigest, ...]


def read_header(path: FilePath) -> Header:
    """The header of the safetensors file ``path``, checked against the file's size.

    Raises UnreadableError, and TensorFileError for a header that is too long, no strict JSON, names a tensor twice,
    has an unknown type, or offsets that overlap, leave a gap, leave the file or leave bytes at its end.
    """
    with open_regular(path) as file:
        return _read_header(file, path, hashlib.sha256())


def digest_file(path: FilePath) -> FileDigest:
    """Digests of the file and of each tensor from the same bytes, in constant memory. Raises as ``read_header``."""
    with open_regular(path) as file:
        whole = hashlib.sha256()
        header = _read_header(file, path, whole)
        tensors = tuple(_digest_next(file, info, whole, path) for info in header.tensors)
        if _read(file, 1, path):
            raise TensorFileError(f"{shown(path)}: it grew while it was read")
        end = header.tensors[-1].end if header.tensors else 0
        return FileDigest(header.data_start + end, whole.hexdigest(), header, tensors)


def file_tensors(path: FilePath) -> Iterator[tuple[str, str, tuple[int, ...], memoryview]]:
    """Name, type, shape and bytes of each tensor, mapped into memory for as long as somebody holds them.

    Raises as ``read_header``.
    """
    with open_regular(path) as file:
        header = _read_header(file, path, hashlib.sha256())
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    for info in header.tensors:
        data = view[header.data_start + info.begin : header.data_start + info.end]
        yield info.name, info.dtype, info.shape, data


def _read_header(file: BinaryIO, path: FilePath, whole: Any) -> Header:
    size = os.fstat(file.fileno()).st_size
    prefix = _read(file, _LENGTH, path)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < _LENGTH or length > size - _LENGTH:
        raise TensorFileError(f"{shown(path)}: shorter than its header; no whole safetensors file")
    if length > MAX_HEADER:
        raise TensorFileError(f"{shown(path)}: a header of {length} bytes; at most {MAX_HEADER} are read")
    raw = _read(file, length, path)
    whole.update(prefix + raw)
    try:
        return _parse_header(raw, size - _LENGTH - length)
    except (StrictJsonError, TensorFileError) as error:
        raise TensorFileError(f"{shown(path)}: no valid safetensors header: {error}") from error


def _parse_header(raw: bytes, data_size: int) -> Header:
    if not raw.startswith(b"{"):
        raise TensorFileError("it does not start with a brace")
    if raw.rstrip(b" ")[-1:] != b"}":
        raise TensorFileError("it is padded with something else than spaces")
    value = loads(raw, max_bytes=MAX_HEADER, max_depth=3)
    metadata = value.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise TensorFileError(f"{METADATA} is no object of strings")
    tensors = sorted((_info(name, entry) for name, entry in value.items()), key=_place)
    _check_cover(tensors, data_size)
    return Header(tuple(tensors), metadata, _LENGTH + len(raw))


def _info(name: str, entry: Any) -> TensorInfo:
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise TensorFileError(f"tensor {name!a} has not exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise TensorFileError(f"tensor {name!a} has a dtype, shape or data_offsets of the wrong kind")
    begin, end = offsets
    if end - begin != size_of(dtype, shape):
        raise TensorFileError(f"tensor {name!a} has {end - begin} bytes, not those of its shape and type")
    return TensorInfo(name, dtype, tuple(shape), begin, end)


def _are_counts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= _MOST_AXES
        and all(type(item) is int and item >= 0 for item in value)
    )


def _place(info: TensorInfo) -> tuple[int, int, str]:
    return info.begin, info.end, info.name


def _check_cover(tensors: list[TensorInfo], data_size: int) -> None:
    reached = 0
    for info in tensors:
        if info.begin != reached:
            fault = "overlaps the tensor before it" if info.begin < reached else "leaves a gap before it"
            raise TensorFileError(f"tensor {info.name!a} {fault}")
        reached = info.end
    if reached != data_size:
        fault = "cut off" if reached > data_size else "followed by bytes of no tensor"
        raise TensorFileError(f"the tensors take {reached} bytes and the file holds {data_size}: {fault}")


def _digest_next(file: BinaryIO, info: TensorInfo, whole: Any, path: FilePath) -> TensorDigest:
    own, left = hashlib.sha256(), info.end - info.begin
    while left:
        chunk = _read(file, min(left, _CHUNK), path)
        if not chunk:
            raise TensorFileError(f"{shown(path)}: it shrank while it was read")
        own.update(chunk)
        whole.update(chunk)
        left -= len(chunk)
    return TensorDigest(info.name, info.dtype, info.shape, own.hexdigest())


def _read(file: BinaryIO, count: int, path: FilePath) -> bytes:
    """``count`` bytes, fewer at the end of the file. An unbuffered read may return less than was asked for."""
    chunks: list[bytes] = []
    try:
        while count and (chunk := file.read(min(count, _CHUNK))):
            chunks.append(chunk)
            count -= len(chunk)
    except OSError as error:
        raise UnreadableError(f"cannot read {shown(path)}: {error.strerror}") from error
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
