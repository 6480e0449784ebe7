"""Counts of right and wrong answers, and the shares that they allow to state."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054
"""The quantile of the normal distribution for two-sided 95% intervals."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers against labels: said yes and is (``tp``), said yes and is not (``fp``), missed (``fn``), rightly no
    (``tn``). Whatever is not yes was counted as no."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def labels(self) -> int:
        """How many labels there were."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def right(self) -> int:
        """How many answers agree with their label."""
        return self.tp + self.tn


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of`` > 0, with the bounds of its Wilson 95% interval."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """In [0, 1]."""
        return self.hits / self.of


def counted(said: bool, label: bool) -> Counts:
    """One answer against its label."""
    return Counts(tp=said and label, fp=said and not label, fn=label and not said, tn=not said and not label)


def wilson(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The score interval of Wilson (1927) for ``hits`` of ``of`` > 0, which stays within [0, 1] and is of use for
    few trials, where the share plus or minus its standard error is not."""
    if not 0 <= hits <= of or not of:
        raise ValueError(f"{hits} of {of} is no share")
    share, square = hits / of, z * z / of
    centre = (share + square / 2) / (1 + square)
    half = z * math.sqrt((share * (1 - share) + square / 4) / of) / (1 + square)
    # At both ends the bound is the share itself; rounding must not put it beyond.
    return (max(0.0, centre - half) if hits else 0.0, min(1.0, centre + half) if hits < of else 1.0)


def precision(counts: Counts) -> Share | None:
    """Of the yes answers those that are right; None (not measurable) where none was given, or where no label is no
    and none could be wrong."""
    return _share(counts.tp, counts.tp + counts.fp) if counts.fp + counts.tn else None


def recall(counts: Counts) -> Share | None:
    """Of the labels yes those that were found; None (not measurable) where no label is yes."""
    return _share(counts.tp, counts.tp + counts.fn)


def balanced_accuracy(counts: Counts) -> float | None:
    """The mean of the shares found among labels yes and among labels no; of one of them where the other has no
    labels, None without any."""
    sides = [_share(counts.tp, counts.tp + counts.fn), _share(counts.tn, counts.tn + counts.fp)]
    shares = [side.value for side in sides if side is not None]
    return sum(shares) / len(shares) if shares else None


def _share(hits: int, of: int) -> Share | None:
    return Share(hits, of, *wilson(hits, of)) if of else None
