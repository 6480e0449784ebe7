"""Pages laid out in lines of a given width, in terminal cells. Pure: the widget only colours what stands here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

from codex_audit.tui.page import Column, Fixed, Page, Paragraph, Piece, Plot, Row, Table
from codex_audit.tui.plot import draw

GAP = 2
"""Cells between columns."""


class Line(NamedTuple):  # thousands are made at a key, and a tuple is made several times as fast
    """A line of the screen: either ready ``pieces``, or a ``row`` that is fitted to ``widths`` when it is shown.
    ``long`` ones may be wider than the screen."""

    pieces: tuple[Piece, ...] = ()
    long: bool = False
    row: Row | None = None
    columns: tuple[Column, ...] = ()
    widths: tuple[int, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether Enter does something here."""
        return self.row is not None and self.row.target is not None

    def fitted(self) -> tuple[Piece, ...]:
        """What is shown, row or not."""
        if self.row is None:
            return self.pieces
        return fit_row(self.row.cells, self.columns, self.widths)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as lines. ``head`` lines at the top stay in view; ``matched`` of ``total`` rows passed the filter."""

    head: tuple[Line, ...]
    lines: tuple[Line, ...]
    matched: int
    total: int
    focus: int


def lay_out(page: Page, width: int, needle: str = "", group: str = "") -> Shown:
    """``page`` in lines of ``width`` cells; rows of another ``group``, or without every word of ``needle``, left out.

    A page that begins with a table keeps that table's heading in view.
    """
    words = needle.lower().split()
    lines: list[Line] = []
    head: list[Line] = []
    matched = total = focus = 0
    for number, block in enumerate(page.blocks):
        if isinstance(block, Table):
            kept = block.rows
            if words or group:
                kept = tuple(one for one in kept if _passes(one, words, group))
            matched, total = matched + len(kept), total + len(block.rows)
            widths = column_widths(block.columns, width)
            title = _title_line(block.columns, widths)
            if number == 0 and title:
                head.append(title)
            elif title and kept:
                lines.append(title)
            lines += [Line(row=one, columns=block.columns, widths=widths) for one in kept]
        else:
            if isinstance(block, Fixed) and page.focus >= 0:
                focus = len(lines) + page.focus
            place = head if number < page.sticky else lines
            place += [Line(pieces, isinstance(block, Fixed)) for pieces in _block_lines(block, width)]
    return Shown(tuple(head), tuple(lines), matched, total, focus)


def column_widths(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    """Cells for each column, 0 for one that is left out. The widths and the gaps between them fill at most ``width``,
    unless only columns that must stay are left."""
    kept = [True] * len(columns)
    least = [column.width or column.least for column in columns]

    def needed() -> int:
        used = [one for one, keep in zip(least, kept, strict=True) if keep]
        return sum(used) + GAP * (len(used) - 1)

    order = sorted(range(len(columns)), key=lambda index: -columns[index].spare)
    for index in order:
        if columns[index].spare and needed() > width:
            kept[index] = False
    free = max(0, width - needed())
    shares = [index for index, column in enumerate(columns) if kept[index] and not column.width]
    widths = [one if keep else 0 for one, keep in zip(least, kept, strict=True)]
    for position, index in enumerate(shares):
        widths[index] += free // len(shares) + (1 if position < free % len(shares) else 0)
    return tuple(widths)


def fit_row(cells: Sequence[Piece], columns: Sequence[Column], widths: Sequence[int]) -> tuple[Piece, ...]:
    """``cells`` cut or padded to ``widths``, with gaps between them."""
    fitted: list[Piece] = []
    for one, column, width in zip(cells, columns, widths, strict=True):
        if width:
            if fitted:
                fitted.append(Piece(" " * GAP))
            fitted.append(Piece(fit(one.text, width, right=column.right), one.tone))
    return tuple(fitted)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells; a cut one ends in an ellipsis."""
    length = cell_len(text)
    if length > width:
        return f"{set_cell_size(text, width - 1)}…" if width else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def wrap(pieces: Sequence[Piece], width: int, indent: int = 0, hang: int = 0) -> list[tuple[Piece, ...]]:
    """``pieces`` in lines of at most ``width`` cells, broken at spaces, and inside a word only where it is longer than
    a line. A piece that is a newline ends a line."""
    width = max(width, indent + hang + 4)
    lines: list[tuple[Piece, ...]] = []
    current: list[Piece] = [Piece(" " * indent)] if indent else []
    used, fresh = indent, True

    def end() -> None:
        nonlocal current, used, fresh
        lines.append(tuple(current))
        current, used, fresh = [Piece(" " * (indent + hang))], indent + hang, True

    for one in pieces:
        if one.text == "\n":
            end()
            continue
        for part in _words(one.text, width - indent - hang):
            length = cell_len(part)
            if used + length > width and not fresh:
                end()
            if fresh and lines and part.isspace():
                continue
            current.append(Piece(part, one.tone))
            used, fresh = used + length, False
    lines.append(tuple(current))
    return lines


def _words(text: str, width: int) -> Iterator[str]:
    """Words and the spaces between them, none wider than ``width``."""
    word = ""
    for char in text:
        if word and (char == " ") != (word[-1] == " "):
            yield from chop_cells(word, width)
            word = ""
        word += char
    if word:
        yield from chop_cells(word, width)


def _passes(one: Row, words: Sequence[str], group: str) -> bool:
    return (not group or one.group == group) and all(word in one.find for word in words)


def _title_line(columns: Sequence[Column], widths: tuple[int, ...]) -> Line | None:
    if not any(column.title for column in columns):
        return None
    return Line(fit_row(tuple(Piece(column.title, "dim") for column in columns), columns, widths))


def _block_lines(block: Paragraph | Fixed | Plot, width: int) -> Iterator[tuple[Piece, ...]]:
    if isinstance(block, Paragraph):
        yield from wrap(block.pieces, width, block.indent, block.hang)
    elif isinstance(block, Fixed):
        yield from block.lines
    else:
        yield from draw(block, width)
