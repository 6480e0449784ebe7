"""The widget that shows a page: a pager with a cursor. Draws only the lines in view, whatever the page holds."""

from __future__ import annotations

from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codex_audit.tui.layout import Line, Shown, lay_out
from codex_audit.tui.page import Page, Tone, Where

_SIDEWAYS = 8


class Sheet(ScrollView, can_focus=True):
    """Up and down go from row to row, and scroll where there is none; Enter opens the row under the cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"sheet--cursor", *(f"sheet--{tone}" for tone in get_args(Tone))}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "step(-1)", "Up", show=False),
        Binding("down,j", "step(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("left,h", "sideways(-1)", "Left", show=False),
        Binding("right,l", "sideways(1)", "Right", show=False),
    ]

    class Opened(Message):
        """The user wants to see ``where``."""

        def __init__(self, where: Where) -> None:
            super().__init__()
            self.where = where

    class Moved(Message):
        """The cursor is on another row, or the rows are others."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._page = Page("", ())
        self._shown: Shown = lay_out(self._page, 80)
        self._cursor = -1
        self._sideways = 0
        self._arranged = 0
        self._styles: dict[str, Style] = {}
        self.needle = self.group = ""

    @property
    def target(self) -> Where | None:
        """What the row under the cursor opens."""
        row = self._shown.lines[self._cursor].row if self._cursor >= 0 else None
        return row.target if row else None

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows are shown, and how many there are."""
        return self._shown.matched, self._shown.total

    @property
    def text(self) -> str:
        """All lines as text, for tests and for a reader without a screen."""
        lines = (*self._shown.head, *self._shown.lines)
        return "\n".join("".join(one.text for one in line.fitted()).rstrip() for line in lines)

    def show(self, page: Page, target: Where | None = None, *, anew: bool) -> None:
        """Shows ``page``; ``anew`` from its beginning, or at its focus, else where the reader is. The cursor goes to
        the row that opens ``target``, if there is one."""
        self._page = page
        wanted = target or (None if anew else self.target)
        self._arrange(wanted)
        if anew:
            self._sideways = 0
            body = self._body
            start = self._shown.focus - body // 2 if page.focus >= 0 else 0
            self._scroll(max(0, start))
            if wanted is not None and self._cursor >= 0:
                self._reveal()

    def narrow(self, needle: str, group: str) -> None:
        """Shows only the rows of ``group`` that have every word of ``needle``; empty for all."""
        if (needle, group) != (self.needle, self.group):
            self.needle, self.group = needle, group
            self._arrange(self.target)
            self._reveal()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        head = self._shown.head
        if y < len(head):
            return self._strip(head[y], width, cursor=False)
        index = y - len(head) + self.scroll_offset.y
        if index >= len(self._shown.lines):
            return Strip.blank(width, self.rich_style)
        return self._strip(self._shown.lines[index], width, cursor=index == self._cursor and self.can_focus)

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter does something only on a row that opens."""
        return self.target is not None if action == "open" else True

    def on_resize(self, event: events.Resize) -> None:
        if self._width() != self._arranged:
            self._arrange(self.target)

    def on_click(self, event: events.Click) -> None:
        index = event.y - len(self._shown.head) + self.scroll_offset.y
        if event.y < len(self._shown.head) or index >= len(self._shown.lines):
            return
        if self._shown.lines[index].opens:
            again = index == self._cursor
            self._set_cursor(index)
            if again:
                self.action_open()

    def action_open(self) -> None:
        if self.target is not None:
            self.post_message(self.Opened(self.target))

    def action_step(self, by: int) -> None:
        found = self._next(self._cursor + by if self._cursor >= 0 else self._top, by)
        edge = self._top + self._body if by > 0 else self._top - 1
        if found < 0 or (found - edge) * by > 0:
            self._scroll(self._top + by)
        else:
            self._set_cursor(found)

    def action_page(self, by: int) -> None:
        step = max(1, self._body - 1) * by
        here = self._cursor if self._cursor >= 0 else self._top
        wanted = min(max(0, here + step), len(self._shown.lines) - 1)
        self._scroll(self._top + step)
        found = self._next(wanted, -by)
        found = found if found >= 0 else self._next(wanted, by)
        if found >= 0 and (found - here) * by > 0:
            self._set_cursor(found)

    def action_first(self) -> None:
        self._set_cursor(self._next(0, 1))
        self._scroll(0)

    def action_last(self) -> None:
        self._set_cursor(self._next(len(self._shown.lines) - 1, -1))
        self._scroll(len(self._shown.lines))

    def action_sideways(self, by: int) -> None:
        longest = max(
            (sum(len(one.text) for one in line.pieces) for line in self._shown.lines if line.long), default=0
        )
        self._sideways = min(
            max(0, self._sideways + by * _SIDEWAYS), max(0, longest - self.size.width + _SIDEWAYS)
        )
        self.refresh()

    @property
    def _top(self) -> int:
        return int(self.scroll_offset.y)

    @property
    def _body(self) -> int:
        """How many lines there is room for below the heading."""
        return max(1, self.size.height - len(self._shown.head))

    def _width(self) -> int:
        """Cells for a line; the gutter has the room of the scroll bar, which may come and go."""
        return max(20, (self.outer_size.width or self.app.size.width) - self.gutter.width)

    def _arrange(self, target: Where | None) -> None:
        """Lays the page out anew, with the cursor on the row of ``target``, else about where it was."""
        self._arranged = self._width()
        self._shown = lay_out(self._page, self._arranged, self.needle, self.group)
        lines = self._shown.lines
        self.virtual_size = Size(self.size.width, len(lines) + len(self._shown.head))
        places = (index for index, line in enumerate(lines) if line.row and line.row.target == target)
        found = next(places, -1) if target else -1
        if found < 0:
            near = min(max(0, self._cursor), len(lines) - 1)
            found = max(self._next(near, 1), -1) if lines else -1
            found = found if found >= 0 or not lines else self._next(near, -1)
        self._cursor = found
        self.refresh()
        self.post_message(self.Moved())

    def _scroll(self, y: int) -> None:
        # By force: whether there is a scroll bar is known only after the next layout.
        most = len(self._shown.lines) - self._body
        self.scroll_to(y=min(max(0, y), max(0, most)), animate=False, force=True)

    def _next(self, start: int, by: int) -> int:
        """The first line from ``start`` on that opens something, -1 for none."""
        lines, index = self._shown.lines, start
        while 0 <= index < len(lines):
            if lines[index].opens:
                return index
            index += by
        return -1

    def _set_cursor(self, index: int) -> None:
        if index != self._cursor:
            self._cursor = index
            self.refresh()
            self.post_message(self.Moved())
        self._reveal()

    def _reveal(self) -> None:
        """Scrolls so that the cursor is in view."""
        if self._cursor < 0:
            return
        if self._cursor < self._top:
            self._scroll(self._cursor)
        elif self._cursor >= self._top + self._body:
            self._scroll(self._cursor - self._body + 1)

    def _strip(self, line: Line, width: int, *, cursor: bool) -> Strip:
        pieces = line.fitted()
        marked = cursor or (bool(pieces) and pieces[0].tone == "mark")
        base = self._style("cursor" if cursor else "mark") if marked else self.rich_style
        segments = [Segment(one.text, self._toned(one.tone, base, marked=marked)) for one in pieces]
        strip = Strip(segments)
        if line.long and self._sideways:
            strip = strip.crop(self._sideways)
        return strip.adjust_cell_length(width, base)

    def _toned(self, tone: Tone, base: Style, *, marked: bool) -> Style:
        style = base if tone == "plain" else base + self._style(tone)
        return style + Style(bgcolor=base.bgcolor) if marked else style

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(
                f"sheet--{name}", partial=name not in ("cursor", "mark")
            )
        return self._styles[name]
