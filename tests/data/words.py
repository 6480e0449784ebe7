"""A tokenizer with tokens of several bytes: a word with the space before it, learned from nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class WordEncoder:
    """Numbers words as it meets them; the last id is the end."""

    size: int = 70_000
    digest: str = "0" * 64
    words: dict[str, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.size - 1

    @property
    def pad(self) -> int:
        return self.size - 2

    def encode(self, text: str) -> list[int]:
        return [self.words.setdefault(word, len(self.words)) for word in re.findall(r"\s*\S+|\s+$", text)]

    def decode(self, ids: Sequence[int]) -> str:
        known = list(self.words)
        return "".join(known[one] for one in ids)

    def sizes(self) -> NDArray[np.int32]:
        """Those of the words that it has met."""
        sizes = np.zeros(self.size, np.int32)
        sizes[: len(self.words)] = [len(word.encode()) for word in self.words]
        return sizes
