"""The digest of a state: what its tensors are, whatever files hold them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import TensorFileError

BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Bits of an element by name of its type, in the order in which safetensors counts them, which a file turns round."""


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """``sha256`` is that of the tensor's own bytes, row by row, little-endian."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


def tensor_digest(name: str, dtype: str, shape: tuple[int, ...], data: Any) -> TensorDigest:
    """The digest of one tensor whose bytes are the buffer ``data``."""
    return TensorDigest(name, dtype, tuple(shape), hashlib.sha256(as_bytes(data)).hexdigest())


def state_digest(items: Iterable[tuple[str, str, tuple[int, ...], Any]]) -> str:
    """The digest of a state: name, type, shape and bytes (a buffer) of every tensor, whatever file holds them."""
    return combined_digest(tensor_digest(*item) for item in items)


def combined_digest(tensors: Iterable[TensorDigest]) -> str:
    """``state_digest`` from the tensors' own digests, in any order.

    The hashed bytes are, for each tensor in order of name, the RFC 8785 bytes of its name, dtype and shape, a newline,
    the digest of its bytes in hex, a newline. Raises TensorFileError when a name comes twice.
    """
    state, last = hashlib.sha256(), None
    for tensor in sorted(tensors, key=lambda tensor: tensor.name):
        if tensor.name == last:
            raise TensorFileError(f"the state has two tensors called {tensor.name!a}")
        last = tensor.name
        state.update(_identity(tensor) + b"\n" + tensor.sha256.encode("ascii") + b"\n")
    return state.hexdigest()


def size_of(dtype: str, shape: Iterable[int]) -> int:
    """The bytes of a tensor. Raises TensorFileError for a type that safetensors lacks or a part of a byte."""
    if dtype not in BITS:
        raise TensorFileError(f"{str(dtype)[:40]!a} is no type of safetensors; there are {', '.join(BITS)}")
    bits = BITS[dtype] * math.prod(shape)
    if bits % 8:
        raise TensorFileError(f"a tensor of type {dtype} does not end on a whole byte")
    return bits // 8


def as_bytes(data: Any) -> memoryview:
    """The bytes of the C-contiguous buffer ``data``, not copied."""
    view = memoryview(data)
    return (
        view.cast("B") if view.nbytes else memoryview(b"")
    )  # a view with a zero in its shape cannot be cast


def _identity(tensor: TensorDigest) -> bytes:
    return canonical_bytes({"dtype": tensor.dtype, "name": tensor.name, "shape": list(tensor.shape)})
