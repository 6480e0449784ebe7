"""A trigram model of bytes: what a small neural model has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BYTES = 256


def bits_per_byte(train: NDArray[np.uint8], held_out: NDArray[np.uint8]) -> float:
    """The mean code length in bits of ``held_out`` [blocks, bytes] under an interpolated trigram model that was fitted
    on ``train`` [blocks, bytes]; the first byte of a block is given, as it is for the neural model.

    Each order is smoothed towards the lower one by Witten and Bell's estimate (IEEE Trans. Inf. Theory 37(4), 1991).
    """
    pairs, triples = _counts(train, 2), _counts(train, 3)
    singles = np.bincount(train.ravel(), minlength=BYTES).astype(np.float64)
    one = (singles + 1) / (singles.sum() + BYTES)
    two = _interpolated(pairs.reshape(BYTES, BYTES), np.broadcast_to(one, (BYTES, BYTES)))
    three = _interpolated(triples.reshape(BYTES * BYTES, BYTES), np.tile(two, (BYTES, 1)))
    first = two[held_out[:, 0], held_out[:, 1]]
    context = held_out[:, :-2].astype(np.int64) * BYTES + held_out[:, 1:-1]
    rest = three[context.ravel(), held_out[:, 2:].ravel()]
    return float(-np.log2(np.concatenate((first, rest))).mean())


def _counts(blocks: NDArray[np.uint8], order: int) -> NDArray[np.float64]:
    """How often each run of ``order`` bytes stands within a block."""
    width = blocks.shape[1] - order + 1
    index = np.zeros((len(blocks), width), np.int64)
    for place in range(order):
        index = index * BYTES + blocks[:, place : place + width]
    return np.bincount(index.ravel(), minlength=BYTES**order).astype(np.float64)


def _interpolated(counts: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of ``counts`` as shares, mixed with ``lower`` in the measure of how many kinds a row has seen."""
    total, kinds = counts.sum(1, keepdims=True), (counts > 0).sum(1, keepdims=True)
    weight = np.where(total + kinds > 0, total + kinds, 1.0)
    mixed = (counts + kinds * lower) / weight
    return np.where(total > 0, mixed, lower)
