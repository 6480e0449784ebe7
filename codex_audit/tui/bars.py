"""The lines above and below a page: title, tabs, and the line that asks for text."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from codex_audit.tui import words
from codex_audit.tui.layout import fit
from codex_audit.tui.page import safe
from codex_audit.tui.world import World

NAMES = ("Matrix", "Probes", "Gaps", "Runs", "Diff", "Verify")


def title_line(world: World, trail: tuple[str, ...], width: int) -> Content:
    """Where the reader is at the left, the score at the right; the former is cut where there is no room for both."""
    scored = world.audit.scored
    right = f"score {scored.score:.2f} {words.bar(scored.score)}" if scored else ""
    name = safe(world.folder.resolve().name or "/", 40)
    left = safe(" / ".join((name, *trail)), 300)
    room = max(0, width - cell_len(right) - 2)
    if cell_len(left) > room > 1:  # the end says where the reader is
        left = f"…{set_cell_size(left[::-1], room - 1)[::-1]}"
    return Content.assemble((fit(left, room), "bold"), "  ", (right, "$codex-accent"))


def narrowed(group: str, needle: str, matched: int, total: int) -> str:
    """What of a list is shown, empty for all of it."""
    told = " ".join(one for one in (group, f"'{needle}'" if needle else "") if one)
    return f"{told}: {matched:,} of {total:,} " if told else ""


class Title(Static):
    """The first line of the screen."""

    ALLOW_SELECT = False


class Tabs(Static):
    """The names of the lists with their keys; at the right what is shown of how much."""

    ALLOW_SELECT = False

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def show(self, active: int, told: str) -> None:
        """Marks the tab ``active`` and shows ``told``, cut to the room that is left."""
        parts: list[Content | tuple[str, str]] = []
        for number, name in enumerate(NAMES):
            style = "bold reverse $codex-accent" if number == active else "$codex-dim"
            parts.append((f" {number + 1} {name} ", style))
        room = self.size.width - sum(len(name) + 4 for name in NAMES)
        parts.append((fit(told, room, right=True) if room > 0 else "", "$codex-fair"))
        self.update(Content.assemble(*parts), layout=False)

    def on_click(self, event: events.Click) -> None:
        start = 0
        for number, name in enumerate(NAMES):
            start += len(name) + 4
            if event.x < start:
                self.post_message(self.Chosen(number))
                return


class Ask(Horizontal):
    """A line of text that the user is asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Clear"),
        Binding("up,down", "leave", "To the list", show=False),
    ]

    class Typed(Message):
        """The text has changed; ``done`` when it was confirmed."""

        def __init__(self, what: str, value: str, *, done: bool) -> None:
            super().__init__()
            self.what, self.value, self.done = what, value, done

    def __init__(self) -> None:
        super().__init__(id="ask")
        self._what = ""

    def compose(self) -> ComposeResult:
        yield Label("", markup=False)
        yield Input(compact=True)

    def open(self, what: str, value: str) -> None:
        """Asks for ``what``."""
        self._what = what
        self.query_one(Label).update(Content(what))
        self.add_class("-open")
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = value
        self.screen.set_focus(field)  # at once: the next key may be waiting already

    def close(self) -> None:
        """Asks no more."""
        self.remove_class("-open")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self._what, event.value, done=False))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Typed(self._what, event.value, done=True))

    def action_give_up(self) -> None:
        self.post_message(self.Typed(self._what, "", done=True))

    def action_leave(self) -> None:
        self.post_message(self.Typed(self._what, self.query_one(Input).value, done=True))
