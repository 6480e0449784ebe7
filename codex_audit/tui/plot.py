"""A curve drawn with braille characters: two by four dots a cell, so that a small terminal shows its shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codex_audit.tui.page import Piece, Plot

_DOTS = (
    (0x01, 0x02, 0x04, 0x40),
    (0x08, 0x10, 0x20, 0x80),
)  # by column, then row, of U+2800 (Unicode, chapter 21)
_MARK = "●"
_LABEL = 9


def draw(plot: Plot, width: int) -> list[tuple[Piece, ...]]:
    """``plot`` in lines of at most ``width`` cells: an axis of values at the left, of steps below.

    Points that are not finite are left out; nothing finite gives a line that says so.
    """
    points = _finite(plot.points)
    held = _finite(plot.held)
    if not points and not held:
        return [(Piece("no finite value to draw yet", "dim"),)]
    columns, rows = max(8, width - _LABEL - 1), plot.height
    frame = _Frame(points + held, columns, rows)
    grid = [[0] * columns for _ in range(rows)]
    _trace(grid, [frame.dot(step, value) for step, value in _thinned(points, 2 * columns)])
    marks = {(y // 4, x // 2) for x, y in (frame.dot(step, value) for step, value in held)}
    lines = [_axis(frame, index, rows) + _cells(grid[index], index, marks) for index in range(rows)]
    first, last = f"{frame.left:,g}", f"{frame.right:,g}"
    gap = max(1, columns - len(first) - len(last))
    return [*lines, (Piece(" " * (_LABEL + 1) + first + " " * gap + last, "dim"),)]


class _Frame:
    """Where a point lies among the dots."""

    def __init__(self, points: Sequence[tuple[float, float]], columns: int, rows: int) -> None:
        steps, values = zip(*points, strict=True)
        self.left, self.right = min(steps), max(steps)
        self.low, self.high = min(values), max(values)
        self._across, self._down = 2 * columns - 1, 4 * rows - 1

    def dot(self, step: float, value: float) -> tuple[int, int]:
        """Column and row of dots, from the upper left."""
        return (
            round(_share(step, self.left, self.right) * self._across),
            round((1 - _share(value, self.low, self.high)) * self._down),
        )


def _share(value: float, low: float, high: float) -> float:
    """Where ``value`` lies between ``low`` and ``high``; the middle where they are as good as the same."""
    span = high / 2 - low / 2  # halved: the difference of two large numbers may be no finite one
    return (value / 2 - low / 2) / span if span > 0 else 0.5


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [one for one in points if math.isfinite(one[0]) and math.isfinite(one[1])]


def _thinned(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most ``most`` points: means of stretches of neighbours."""
    stretch = -(-len(points) // most) or 1
    groups = (points[first : first + stretch] for first in range(0, len(points), stretch))
    return [(_mean([step for step, _ in group]), _mean([value for _, value in group])) for group in groups]


def _mean(values: Sequence[float]) -> float:
    return sum(
        value / len(values) for value in values
    )  # divided first: the sum of large numbers may be infinite


def _trace(grid: list[list[int]], dots: Sequence[tuple[int, int]]) -> None:
    """Sets the dots and those on the straight lines between neighbours."""
    for number, (x, y) in enumerate(dots):
        from_x, from_y = dots[max(0, number - 1)]
        count = max(abs(x - from_x), abs(y - from_y), 1)
        for part in range(count + 1):
            at_x, at_y = (
                from_x + round((x - from_x) * part / count),
                from_y + round((y - from_y) * part / count),
            )
            grid[at_y // 4][at_x // 2] |= _DOTS[at_x % 2][at_y % 4]


def _axis(frame: _Frame, index: int, rows: int) -> tuple[Piece, ...]:
    value = {0: frame.high, rows - 1: frame.low}.get(index)
    if value is None and index == rows // 2:
        value = frame.high / 2 + frame.low / 2
    label = "" if value is None else f"{value:.4g}"
    if value is not None and len(label) > _LABEL:
        label = f"{value:.2g}"
    return (Piece(f"{label:>{_LABEL}}{'┤' if label else '│'}", "dim"),)


def _cells(bits: Sequence[int], index: int, marks: set[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for column, value in enumerate(bits):
        marked = (index, column) in marks
        char = _MARK if marked else chr(0x2800 + value) if value else " "
        tone = "fair" if marked else "accent"
        if pieces and pieces[-1].tone == tone:
            pieces[-1] = Piece(pieces[-1].text + char, pieces[-1].tone)
        else:
            pieces.append(Piece(char, "fair" if marked else "accent"))
    return tuple(pieces)
