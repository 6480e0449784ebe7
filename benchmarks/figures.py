"""The arithmetic of the benchmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence


def ratio(seconds: Sequence[float], against: Sequence[float]) -> float:
    """The best of ``seconds`` as a multiple of the best of ``against``."""
    return min(seconds) / min(against)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The ``k`` for which ``costs`` grow as ``sizes ** k``: the slope of the least squares line through the
    logarithms. Raises ValueError with less than two different sizes."""
    points = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    mean_x = sum(x for x, _ in points) / len(points) if points else 0.0
    mean_y = sum(y for _, y in points) / len(points) if points else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError("growth needs at least two different sizes")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
