"""Samples of equal length, on disk, and the batches made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codex_train.data.transforms import Noise

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100  # the label that torch's and transformers' losses leave out


class Batch(NamedTuple):
    """``input_ids`` and ``labels``, both int64 [b, context]. ``labels`` are not shifted: position i is the target of
    what the model says at i - 1. They may be one tensor with ``input_ids``; change neither in place."""

    input_ids: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Blocks:
    """``tokens`` [n, context], usually a view of a mapped file. Of rows with a prompt, the targets of row i stand at
    ``starts[i]`` to ``ends[i]``; without them every token but a block's first is one.

    ``lengths`` [n] are the bytes of text that a block's targets stand for, all 0 where they are not known; ``digest``
    is the SHA-256 of all of this but the lengths, as it was packed.
    """

    tokens: NDArray[Any]
    lengths: NDArray[np.int32]
    digest: str
    starts: NDArray[np.int32] | None = None
    ends: NDArray[np.int32] | None = None
    noise: Noise | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def context(self) -> int:
        return int(self.tokens.shape[1])

    def take(self, ids: NDArray[np.int64], epoch: int) -> Batch:
        """The samples ``ids`` [b] as they are in ``epoch``. Labels are never noisy. Raises IndexError."""
        import torch  # here: whoever only packs and counts does without

        rows = self.tokens.take(ids, axis=0).astype(np.int64)
        if self.starts is None and self.noise is None:
            plain = torch.from_numpy(rows)
            return Batch(plain, plain)
        labels = rows if self.starts is None else self._masked(rows, ids)
        inputs = rows if self.noise is None else self.noise.apply(rows, ids, epoch)
        return Batch(torch.from_numpy(inputs), torch.from_numpy(labels))

    def targets(self, ids: NDArray[np.int64]) -> int:
        """How many tokens of the samples ``ids`` [b] are predicted. The first of a sample never is."""
        if self.starts is None:
            return len(ids) * (self.context - 1)
        return int(self._counts[ids].sum())

    def bytes_of(self, ids: NDArray[np.int64]) -> int:
        """The bytes of UTF-8 that the targets of the samples ``ids`` stand for, for bits per byte."""
        return int(self.lengths[ids].sum(dtype=np.int64))

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        assert self.starts is not None and self.ends is not None  # noqa: S101 - only asked then
        return (self.ends - np.maximum(self.starts, 1)).astype(np.int64)

    def _masked(self, rows: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
        assert self.starts is not None and self.ends is not None  # noqa: S101 - only asked then
        wanted = target_mask(self.starts[ids], self.ends[ids], self.context)
        return np.where(wanted, rows, IGNORED)


def target_mask(starts: NDArray[np.int32], ends: NDArray[np.int32], context: int) -> NDArray[np.bool_]:
    """True where row i has a target: from ``starts[i]`` up to ``ends[i]``, and never at 0. [b, context]"""
    place = np.arange(context)
    return (place >= np.maximum(starts, 1)[:, None]) & (place < ends[:, None])
