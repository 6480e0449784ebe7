"""What a screen shows, as values: a page is a stack of paragraphs, tables, fixed lines and curves.

All text in a page is data. A ``Piece`` is shown character by character: no markup is read from it, and characters that
would hide or reorder others stand as escapes. Nothing here knows Textual.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from codex_audit.reports.escaping import visible

Tone = Literal[
    "plain", "dim", "strong", "accent", "good", "fair", "bad", "heading", "mark",
    "keyword", "string", "comment", "number", "name",
]  # fmt: skip
"""How a piece looks; the style sheet says what that is. ``mark`` is the line that a verdict cites."""

Kind = Literal[
    "matrix", "probes", "gaps", "runs", "diff", "verify", "capability", "probe", "gap", "source", "run",
    "comparison", "subject",
]  # fmt: skip

LONGEST_CELL = 300
LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Where:
    """A page by its name: ``key`` is a capability, a probe, a folder; ``number`` the place of a probe, from 0."""

    kind: Kind
    key: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one tone, safe to show; made by ``piece``."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` in cells, 0 for a share of what is left and at least ``least``; ``right`` aligns to the right. The ones
    with the highest ``spare`` are left out first when the screen is narrow; 0 stays."""

    title: str
    width: int = 0
    right: bool = False
    spare: int = 0
    least: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """``target`` is what Enter opens; ``group`` what the filter compares; ``find`` what the search looks into, in lower
    case."""

    cells: tuple[Piece, ...]
    target: Where | None
    group: str = ""
    find: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the same ``columns``; its heading is shown unless every title is empty."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Wrapped text; later lines are indented by ``hang`` cells more than the first's ``indent``."""

    pieces: tuple[Piece, ...]
    indent: int = 0
    hang: int = 0


@dataclass(frozen=True, slots=True)
class Fixed:
    """Lines that are cut and not wrapped, such as source code."""

    lines: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve, drawn as wide as there is room. Points are (step, value); ``held`` are drawn as marks."""

    points: tuple[tuple[float, float], ...]
    held: tuple[tuple[float, float], ...]
    height: int = 12


Block = Paragraph | Table | Fixed | Plot


@dataclass(frozen=True, slots=True)
class Page:
    """``groups`` are what the filter may choose, in the order in which it offers them; ``focus`` is the line of the
    first ``Fixed`` block to be brought into view (-1: none); the first ``sticky`` blocks stay in view."""

    title: str
    blocks: tuple[Block, ...]
    groups: tuple[str, ...] = ()
    focus: int = -1
    sticky: int = 0


def safe(text: str, most: int = LONGEST_TEXT) -> str:
    """``text`` on one line, at most ``most`` of its characters, with escapes for those that do not show."""
    cut = text if len(text) <= most else text[:most]
    shown = cut if cut.isprintable() else visible(cut)
    return shown if len(text) <= most else f"{shown} ... ({len(text) - most:,} more characters)"


def piece(text: object, tone: Tone = "plain", most: int = LONGEST_TEXT) -> Piece:
    """``text`` made safe."""
    return Piece(safe(str(text), most), tone)


def cell(text: object, tone: Tone = "plain") -> Piece:
    """As ``piece``, for a cell of a table, where less of it can be seen."""
    return Piece(safe(str(text), LONGEST_CELL), tone)


def row(cells: Iterable[Piece], target: Where | None = None, group: str = "", more: str = "") -> Row:
    """A row that is found by the text of its cells, and by ``more``."""
    kept = tuple(cells)
    words = " ".join([*(one.text for one in kept), safe(more)])
    return Row(kept, target, group, words.lower())


def text(*pieces: Piece | str, indent: int = 0, hang: int = 0) -> Paragraph:
    """A paragraph; strings are plain pieces."""
    made = tuple(piece(one) if isinstance(one, str) else one for one in pieces)
    return Paragraph(made, indent, hang)


def heading(title: str) -> Paragraph:
    """A heading with an empty line above it."""
    return Paragraph((Piece("\n"), Piece(safe(title), "heading")))


def blank() -> Paragraph:
    """An empty line."""
    return Paragraph(())
