"""Which sample comes when: a pure function, so that a position is all that a resume has to know.

The draws are raw words of Philox4x64-10 (Salmon et al., SC 2011). NumPy keeps the words of a bit generator the same
for ever; it does not promise that of what its ``Generator`` makes of them, so nothing here uses one.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_ORDER = "codex-train order v1"
_SAMPLE = "codex-train sample v1"


def order(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """The permutation of ``range(n)`` in which ``epoch`` goes through the samples [n]."""
    words = np.random.Philox(key=_key(_ORDER, seed, epoch)).random_raw(n)
    # Stable, so that two equal words, however rare, have one order on every machine.
    return np.argsort(words, kind="stable").astype(np.int64, copy=False)


def sample_generator(seed: int, epoch: int, sample: int) -> np.random.Philox:
    """A generator for this sample in this epoch alone, whoever prepares it and with which others. Draw with
    ``random_raw``. Samples lie 2**192 words apart in one stream, so no two overlap."""
    return np.random.Philox(key=_key(_SAMPLE, seed, epoch), counter=int(sample) << 192)


def _key(use: str, seed: int, epoch: int) -> int:
    """128 bits of key."""
    return int.from_bytes(hashlib.sha256(f"{use}|{seed}|{epoch}".encode()).digest()[:16], "little")
