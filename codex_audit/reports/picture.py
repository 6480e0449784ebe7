"""Where the bars of the overview picture stand; a template draws them."""

from __future__ import annotations

from dataclasses import dataclass

from codex_audit.reports.escaping import visible
from codex_audit.reports.model import Section

LEFT, LENGTH, TOP, ROW = 190, 400, 26, 24
MOST_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One capability, in units of the picture. ``low`` and ``high`` are where the interval of its score ends."""

    title: str
    status: str
    below: bool
    score: float
    y: int
    end: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Picture:
    """``threshold`` is where the line stands that divides gaps from the rest."""

    width: int
    height: int
    left: int
    right: int
    threshold: float
    bars: tuple[Bar, ...]


def picture(parts: tuple[Section, ...], threshold: float) -> Picture:
    """A bar for each of ``parts``, in their order."""
    bars = tuple(_bar(part, TOP + number * ROW) for number, part in enumerate(parts))
    height = TOP + ROW * len(parts) + 6
    return Picture(LEFT + LENGTH + 130, height, LEFT, LEFT + LENGTH, _x(threshold), bars)


def _bar(part: Section, y: int) -> Bar:
    score, title = part.score, visible(part.score.title)
    cut = title if len(title) <= MOST_CHARACTERS else f"{title[: MOST_CHARACTERS - 3]}..."
    return Bar(cut, score.status, part.below, score.score, y, _x(score.score), _x(score.low), _x(score.high))


def _x(share: float) -> float:
    return round(LEFT + LENGTH * share, 1)
