"""Which samples each step takes: a pure function of the seed, whatever the number of processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codex_evidence.errors import UsageError
from codex_train.config.nouns import RunConfig

Order = Callable[[int, int, int], NDArray[np.int64]]
"""(seed, epoch, samples) to a permutation of the samples."""


class Turn(NamedTuple):
    """What optimizer step ``step`` (from 1) takes: ``ids`` are the samples of all processes, int64 [batch], and
    ``samples`` is their SHA-256."""

    step: int
    epoch: int
    ids: NDArray[np.int64]
    samples: str


@dataclass(slots=True)
class Plan:
    """``samples`` in batches of ``batch``, epoch after epoch, each in an order of its own; what is left of an epoch
    beyond its last whole batch is not used in it."""

    order: Order
    seed: int
    samples: int
    batch: int
    _epoch: int = field(default=-1, init=False)
    _order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), init=False)

    def __post_init__(self) -> None:
        if self.samples < self.batch:
            raise UsageError(
                f"the training part has {self.samples} samples, fewer than run.batch={self.batch}; "
                "give more data, a smaller data.context or a smaller run.batch"
            )

    @property
    def steps_per_epoch(self) -> int:
        return self.samples // self.batch

    def epoch(self, step: int) -> int:
        """The epoch (from 0) of optimizer step ``step`` (from 1)."""
        return (step - 1) // self.steps_per_epoch

    def take(self, step: int) -> NDArray[np.int64]:
        """The ids of step ``step`` (from 1), in order: int64 [batch]. Process r of w takes the r-th of w
        equal parts."""
        epoch = self.epoch(step)
        if epoch != self._epoch:
            self._order = np.ascontiguousarray(self.order(self.seed, epoch, self.samples), dtype=np.int64)
            self._epoch = epoch
        first = (step - 1) % self.steps_per_epoch * self.batch
        return self._order[first : first + self.batch]

    def turns(self, first: int, last: int) -> Iterator[Turn]:
        """Those of the steps ``first`` to ``last``."""
        for step in range(first, last + 1):
            ids = self.take(step)
            yield Turn(step, self.epoch(step), ids, sha256(ids.data).hexdigest())


def total_steps(config: RunConfig, plan: Plan) -> int:
    """The optimizer steps of a whole run: ``run.steps``, or as many as ``run.epochs`` have."""
    epochs = Fraction(repr(config.epochs))  # as it was written: 0.29 times 100 is 29
    return config.steps or max(1, math.floor(epochs * plan.steps_per_epoch))
