"""What the data room asks of a tokenizer, and the smallest one: bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codex_evidence.digests import sha256_hex
from codex_evidence.errors import UsageError


class Encoder(Protocol):
    """Text to token ids and back."""

    @property
    def size(self) -> int:
        """How many ids there are; each is in ``range(size)``."""

    @property
    def end(self) -> int:
        """The id that stands for the end of a document."""

    @property
    def pad(self) -> int:
        """The id that fills a row; it is never a target where it fills, so it may equal ``end``."""

    @property
    def digest(self) -> str:
        """SHA-256 over whatever decides which ids a text gets."""

    def encode(self, text: str) -> Sequence[int] | NDArray[Any]:
        """The ids of ``text``, with no special token put around them."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``, without special tokens."""

    def sizes(self) -> NDArray[np.int32] | None:
        """The bytes of UTF-8 that each id stands for [size]; None where that is not decided by the id."""


@dataclass(frozen=True, slots=True)
class ByteEncoder:
    """A token a byte of UTF-8. Byte 0 is the end of a document: no text that is trained on holds one."""

    size: int = 256
    end: int = 0
    pad: int = 0

    @property
    def digest(self) -> str:
        return sha256_hex(b"codex-train byte encoder v1")

    def encode(self, text: str) -> NDArray[np.uint8]:
        return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)

    def decode(self, ids: Sequence[int]) -> str:
        try:
            data = bytes(int(one) for one in ids if one != self.end)
        except ValueError as error:
            raise UsageError("an id is beyond 255, so these are not the ids of bytes") from error
        return data.decode("utf-8", errors="replace")

    def sizes(self) -> NDArray[np.int32]:
        return np.ones(self.size, dtype=np.int32)


def text_sizes(encoder: Encoder) -> NDArray[np.int32] | None:
    """``encoder.sizes()`` with nothing for the end of a document, which is no text."""
    sizes = encoder.sizes()
    if sizes is None:
        return None
    sizes = sizes.copy()
    sizes[encoder.end] = 0
    return sizes


def byte_lengths(
    sizes: NDArray[np.int32] | None, rows: NDArray[Any], wanted: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """For each row of ids [n, context], the bytes of UTF-8 that its ``wanted`` [n, context] ids stand for, each as in
    ``sizes``; 0 where these are not known."""
    if sizes is None:
        return np.zeros(len(rows), dtype=np.int32)
    counts: NDArray[np.int32] = np.sum(sizes[rows], axis=1, where=wanted, dtype=np.int32)
    return counts
