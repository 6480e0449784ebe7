"""Random changes of a sample, drawn for its seed, epoch and number alone: who prepares it cannot matter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex_train.data.order import sample_generator

_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)


@dataclass(frozen=True, slots=True)
class Noise:
    """Replaces a ``share`` of the tokens, each on its own, by one of all ``size`` ids, each as likely."""

    share: float
    size: int
    seed: int

    def apply(self, rows: NDArray[np.int64], ids: NDArray[np.int64], epoch: int) -> NDArray[np.int64]:
        """``rows`` [b, context], of which row i is sample ``ids[i]``, with the noise of this epoch."""
        context = rows.shape[1]
        drawn = [sample_generator(self.seed, epoch, sample).random_raw(context) for sample in ids.tolist()]
        words = np.array(drawn, dtype=np.uint64).reshape(rows.shape)
        # The high half of a word says whether, the low half which: neither knows of the other.
        hit = (words >> _HALF) < np.uint64(round(self.share * 2**32))
        other = (words & _LOW) * np.uint64(self.size) >> _HALF
        return np.where(hit, other.astype(np.int64), rows)
