"""What is held out: decided by the content alone, so that names, order and other documents do not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from codex_evidence.errors import UsageError

FEW = 20
"""With fewer documents than this the blocks are split, not the documents."""


def content_hash(parts: Iterable[bytes]) -> int:
    """64 bits of the SHA-256 of ``parts``, one after another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return number_of(digest.digest())


def number_of(digest: bytes) -> int:
    """The number from 0 to 2**64 - 1 that a digest stands for in a split."""
    return int.from_bytes(digest[:8], "big")


def held_out(hashes: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """True for what is held out [n]: hashes in the lowest ``share`` (0 <= share < 1) of all that there can be. Each is
    judged on its own, so a document stays on its side when others come and go."""
    return hashes < np.uint64(int(share * 2.0**64))


def held_out_some(hashes: NDArray[np.uint64], share: float) -> NDArray[np.bool_]:
    """As ``held_out``; where one side would get nothing, the content with the lowest (or highest) hash goes there.
    Raises UsageError when all content is the same or there is but one."""
    mask = held_out(hashes, share)
    if share > 0 and not mask.any():
        mask = hashes == hashes.min()
    elif mask.all():
        mask = hashes != hashes.max()
    if share > 0 and (mask.all() or not mask.any()):
        raise UsageError(
            "the data has no two samples that differ, so none can be held out; "
            "give more, make data.context smaller, or set data.validation=0"
        )
    return mask
