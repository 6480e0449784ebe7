"""How sure a figure is: percentile bootstrap over samples (Efron 1979; Koehn 2004 for paired systems).

Samples are taken to be exchangeable. Blocks of one document are more alike than that, so an interval over few long
documents is too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex_evidence.errors import UsageError

RESAMPLES = 2000
LEVEL = 0.95
# Indices drawn at a time: 32 MB, whatever the number of samples.
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class PerSample:
    """What each sample adds to a mean: ``sums`` float64 [n] over ``counts`` int64 [n]. The figure is all sums over all
    counts, so a sample with more targets weighs more."""

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())


@dataclass(frozen=True, slots=True)
class Interval:
    """``point`` is the figure itself; in ``level`` of ``resamples`` draws it lay from ``low`` to ``high``."""

    point: float
    low: float
    high: float
    level: float
    resamples: int

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def mean_interval(
    samples: PerSample, seed: int = 0, *, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """The interval of the mean of ``samples``. Raises UsageError without samples or with a bad ``level``."""
    means = _means(samples, seed, resamples, level)
    return _interval(samples.mean, means, level)


def paired_difference(
    a: PerSample, b: PerSample, seed: int = 0, *, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """The interval of the mean of ``a`` minus that of ``b``, two models on the same samples in the same order.

    Both are resampled alike, so what is hard for both cancels out. Raises UsageError when the counts show that the
    samples are not the same.
    """
    if not np.array_equal(a.counts, b.counts):
        raise UsageError(
            f"the two models were not measured on the same samples ({len(a.counts)} with {a.counts.sum()} targets, "
            f"{len(b.counts)} with {b.counts.sum()}); evaluate both on the same data with the same tokenizer"
        )
    difference = PerSample(a.sums - b.sums, a.counts)
    means = _means(difference, seed, resamples, level)
    return _interval(difference.mean, means, level)


def resampled(n: int, seed: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """Indices below ``n`` drawn with replacement, in pieces [some, n] that make ``resamples`` rows together.

    Made from the generator's raw output: numpy may change how its own integers are drawn from one release to another.
    Raises UsageError where there is nothing to draw.
    """
    if n < 1 or resamples < 1 or seed < 0:
        raise UsageError(
            f"cannot draw {resamples} times from {n} samples with seed {seed}; each is a positive number"
        )
    bits = np.random.Philox(key=seed)
    rows = max(1, _CHUNK // n)
    for first in range(0, resamples, rows):
        raw = bits.random_raw((min(rows, resamples - first), n))
        # 32 bits times n, shifted down: even to within n / 2**32.
        yield (((raw >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


def percentiles(point: float, values: NDArray[np.float64], level: float = LEVEL) -> Interval:
    """The interval that holds the middle ``level`` of ``values``, the figure of each resample."""
    _check_level(level)
    return _interval(point, values, level)


def _means(samples: PerSample, seed: int, resamples: int, level: float) -> NDArray[np.float64]:
    _check_level(level)
    parts = []
    for drawn in resampled(len(samples.sums), seed, resamples):
        counts = samples.counts[drawn].sum(axis=1)
        # A draw of nothing but samples without targets has no mean; they are rare and are left out.
        there = counts > 0
        parts.append(samples.sums[drawn].sum(axis=1)[there] / counts[there])
    means = np.concatenate(parts)
    if not len(means):
        raise UsageError("no sample has a target, so there is no mean; give samples with targets")
    return means


def _interval(point: float, values: NDArray[np.float64], level: float) -> Interval:
    edge = (1 - level) / 2
    low, high = np.quantile(values, (edge, 1 - edge))
    return Interval(point, float(low), float(high), level, len(values))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise UsageError(f"a confidence level of {level} is not between 0 and 1; 0.95 is usual")
