"""The application: a stack of pages over what is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Horizontal
from textual.screen import Screen

from codex_audit.tui.bars import NAMES, Ask, Tabs, Title, narrowed, title_line
from codex_audit.tui.checks import subjects
from codex_audit.tui.desk import (
    LISTS,
    SLOW,
    TABS,
    WITH_PREVIEW,
    Desk,
    Frame,
    concerns,
    make_page,
    neighbour,
    viewed_files,
)
from codex_audit.tui.footer import Footer
from codex_audit.tui.keys import ACTIONS, KEYS
from codex_audit.tui.page import Page, Where, text
from codex_audit.tui.palette import Places, commands
from codex_audit.tui.reading import Audit
from codex_audit.tui.sheet import Sheet
from codex_audit.tui.themes import DARK, LIGHT
from codex_audit.tui.work import Broke, Checked, Made, Seen, Work
from codex_audit.tui.world import World

_FIND, _OLDER = "find", "folder of the older audit"
_WIDE = 120  # cells from which on what the cursor is on is shown beside the list
_TICK = 0.25  # seconds between two pictures of a verification at work


class AuditApp(App[None]):
    """Shows the audit in ``folder``, whose sources lie in ``tree``, and what lies below; ``named`` are older audits to
    compare with. ``error`` is what ended it before its time."""

    TITLE = "codex-audit"
    CSS_PATH = "style.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {Places}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_WIDE, "-wide")]  # noqa: RUF012 - the base's type is no ClassVar
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(
        self, folder: Path, tree: Path, named: tuple[Path, ...] = (), *, light: bool = False
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if light else DARK.name
        self.desk = Desk(World(folder, tree, Audit(folder)), named=named)
        self._sheet, self._preview = Sheet(id="sheet"), Sheet(id="preview")
        self.error: Exception | None = None
        self._stack = [Frame(TABS[0])]
        self._groups: tuple[str, ...] = ()
        self._read = self._asking = False
        self._lists: dict[Where, Page] = {}  # of the world as it is: thousands of rows need their time
        self._beside: Where | None = None
        self._work = Work(self.post_message, lambda: viewed_files(self.where, self.desk))

    def compose(self) -> ComposeResult:
        yield Title(id="title")
        yield Tabs(id="tabs")
        with Horizontal(id="body"):
            yield self._sheet
            yield self._preview
        yield Ask()
        yield Footer(id="footer")

    def on_mount(self) -> None:
        self._preview.can_focus = False
        self._sheet.focus()
        self._show(Page(NAMES[0], (text("Reading ..."),)), anew=True)
        # After the first paint: reading would take its time from that.
        self.call_after_refresh(self._work.follow, self.desk.world.folder, self.desk.world.tree)
        self.set_interval(_TICK, self._tick)

    def on_unmount(self) -> None:
        self._work.end()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._beside_and_bars)

    @on(Seen)
    def _seen(self, message: Seen) -> None:
        before, world = self.desk.world, message.world
        self.desk = self.desk.changed(world=world)
        self._lists.clear()
        first, self._read = not self._read, True
        if first or concerns(self.where, before, world):
            self._refresh(anew=first)
        self._beside_and_bars(again=True)

    @on(Checked)
    def _checked(self, message: Checked) -> None:
        self.desk = self.desk.changed(checks=message.checks)
        if self.where.kind in ("verify", "subject", "run"):
            self._refresh(anew=False)
            self._beside_and_bars(again=True)

    @on(Made)
    def _made(self, message: Made) -> None:
        if message.place == "sheet" and message.where == self.where:
            self._show(message.page, anew=self._frame.title == "")
        elif message.place == "preview" and message.where == self._beside:
            self._preview.show(message.page, anew=True)

    @on(Broke)
    def _broke(self, message: Broke) -> None:
        self.error = message.error
        self.exit(return_code=3)

    def _tick(self) -> None:
        if self.where.kind == "verify" and any(check.state == "working" for check in self.desk.checks):
            self._refresh(anew=False)

    @property
    def where(self) -> Where:
        """The page on the screen."""
        return self._stack[-1].where

    def open_page(self, where: Where) -> None:
        """Shows ``where``: a tab alone, anything else on top of what is shown."""
        if where in TABS:
            self._stack = [Frame(where)]
        else:
            self._frame.target = self._sheet.target
            self._stack.append(Frame(where))
        self._close_ask()
        self._refresh(anew=True)

    def action_leave(self) -> None:
        self.exit()

    async def action_back(self) -> None:
        if self._frame.needle or self._frame.group:
            self._frame.needle = self._frame.group = ""
            self._narrow()
        elif len(self._stack) > 1:
            self._stack.pop()
            self._refresh(anew=True)

    def action_tab(self, number: int) -> None:
        self.open_page(TABS[number])

    def action_next_tab(self, by: int) -> None:
        self.open_page(TABS[(TABS.index(self._stack[0].where) + by) % len(TABS)])

    def action_neighbour(self, by: int) -> None:
        other = neighbour(self.where, self.desk, by)
        if other is not None:
            self._stack[-1] = Frame(other)
            self._refresh(anew=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key does anything here; the footer leaves out those that do not."""
        if action in ACTIONS and (self._asking or self.screen.is_modal):
            return False
        rules: dict[str, Callable[[], bool]] = {
            "neighbour": lambda: any(neighbour(self.where, self.desk, by) for by in (1, -1)),
            "filter": lambda: bool(self._groups),
            "find": lambda: self._sheet.counts[1] > 0,
            "older": lambda: self.where.kind == "diff",
            "back": lambda: bool(len(self._stack) > 1 or self._frame.needle or self._frame.group),
        }
        return rules[action]() if action in rules else True

    @on(Sheet.Opened)
    def _opened(self, message: Sheet.Opened) -> None:
        self.open_page(message.where)

    @on(Sheet.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()
        self._beside_and_bars()

    @on(Tabs.Chosen)
    def _tab_chosen(self, message: Tabs.Chosen) -> None:
        self.action_tab(message.number)

    def action_find(self) -> None:
        self._open_ask(_FIND, self._frame.needle)

    def action_older(self) -> None:
        self._open_ask(_OLDER, "")

    def action_filter(self) -> None:
        groups = ("", *self._groups)
        known = groups.index(self._frame.group) if self._frame.group in groups else 0
        self.filter_by(groups[(known + 1) % len(groups)])

    def filter_by(self, group: str) -> None:
        """Shows the rows of ``group`` alone, all of them for an empty one."""
        self._frame.group = group
        self._narrow()

    @on(Ask.Typed)
    def _typed(self, message: Ask.Typed) -> None:
        if message.what == _FIND:
            self._frame.needle = message.value
            self._narrow()
        if message.done:
            self._close_ask()
            if message.what == _OLDER and message.value:
                older = Path(message.value).expanduser()
                self.desk = self.desk.changed(named=(older, *self.desk.named))
                self.open_page(Where("comparison", str(older)))

    def _open_ask(self, what: str, value: str) -> None:
        self._asking = True
        self.query_one(Ask).open(what, value)

    def _close_ask(self) -> None:
        if self._asking:
            self._asking = False
            self.query_one(Ask).close()
            self.screen.set_focus(self._sheet)

    def _narrow(self) -> None:
        self._sheet.narrow(self._frame.needle, self._frame.group)
        self.refresh_bindings()

    def action_verify(self, rerun: bool) -> None:
        if any(check.state in ("waiting", "working") for check in self.desk.checks):
            self.notify("A verification is at work; its result is on the page Verify.", markup=False)
            return
        checks = subjects(self.desk.world, rerun=rerun)
        self.desk = self.desk.changed(checks=checks)
        if self.where.kind != "run":
            self.open_page(TABS[-1])
        if checks:
            self._work.verify(checks, self.desk.world.tree)

    def action_other_theme(self) -> None:
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The commands of the palette that are always there; the pages come from ``Places``."""
        return commands(self, self._groups)

    @property
    def _frame(self) -> Frame:
        return self._stack[-1]

    def _refresh(self, *, anew: bool) -> None:
        """Makes the page on the screen again; ``anew`` when it was another before."""
        if not self._read:
            return
        if self.where.kind in SLOW:
            if anew:
                self._show(Page("", (text("Reading ..."),)), anew=True)
            self._work.make("sheet", self.where, self.desk)
            return
        page = self._lists.get(self.where) or make_page(self.where, self.desk)
        if self.where in LISTS:
            self._lists[self.where] = page
        self._show(page, anew=anew)

    def _show(self, page: Page, *, anew: bool) -> None:
        frame = self._frame
        frame.title, self._groups = page.title, page.groups
        self._sheet.needle, self._sheet.group = frame.needle, frame.group
        self._sheet.show(page, frame.target if anew else None, anew=anew)
        self.query_one("#body").set_class(self.where.kind not in WITH_PREVIEW, "-whole")
        self.refresh_bindings()
        self._beside_and_bars()

    def _beside_and_bars(self, *, again: bool = False) -> None:
        trail = tuple(frame.title for frame in self._stack if frame.title)
        title = self.query_one(Title)
        line = title_line(self.desk.world, trail, title.size.width or self.size.width - 2)
        title.update(line, layout=False)
        told = narrowed(self._frame.group, self._frame.needle, *self._sheet.counts)
        self.query_one(Tabs).show(TABS.index(self._stack[0].where), told)
        target = self._sheet.target if self.where.kind in WITH_PREVIEW else None
        if self._preview.display and target is not None and (again or target != self._beside):
            self._beside = target
            if target.kind in SLOW:
                self._work.make("preview", target, self.desk)
            else:
                self._preview.show(make_page(target, self.desk), anew=True)
