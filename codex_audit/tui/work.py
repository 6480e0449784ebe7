"""Work beside the screen: threads that read and verify, and tell what they found by messages.

Daemon threads, and not workers of Textual, for those are waited for at the end: who quits must not wait until an
audit is verified.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from codex_audit.tui.checks import Check, carry_out
from codex_audit.tui.desk import Desk, make_page
from codex_audit.tui.page import Page, Where
from codex_audit.tui.world import World, watch


class Seen(Message):
    """The world has changed."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world


class Checked(Message):
    """A verification went on."""

    def __init__(self, checks: tuple[Check, ...]) -> None:
        super().__init__()
        self.checks = checks


class Made(Message):
    """A page that took reading is there, for the sheet called ``place``."""

    def __init__(self, place: str, where: Where, page: Page) -> None:
        super().__init__()
        self.place, self.where, self.page = place, where, page


class Broke(Message):
    """Work ended in an error that nobody expected: a bug of this program."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Work:
    """``post`` takes messages from any thread; ``viewed`` names files on the screen that are to be followed."""

    def __init__(self, post: Callable[[Message], object], viewed: Callable[[], tuple[Path, ...]]) -> None:
        self._post = post
        self._viewed = viewed
        self._ended = threading.Event()
        self._latest: dict[str, object] = {}

    def end(self) -> None:
        """Lets the threads end at their next step."""
        self._ended.set()

    def follow(self, folder: Path, tree: Path) -> None:
        """Tells of the world, and of its changes."""

        def tell() -> None:
            for world in watch(folder, tree, self._ended.wait, self._viewed):
                self._post(Seen(world))

        self._start(tell)

    def verify(self, checks: tuple[Check, ...], tree: Path) -> None:
        """Carries ``checks`` out one after the other."""

        def tell() -> None:
            carry_out(checks, tree, self._ended.is_set, lambda state: self._post(Checked(state)))

        self._start(tell)

    def make(self, place: str, where: Where, desk: Desk) -> None:
        """Makes a page; what was asked for ``place`` before and is not there yet is given up."""
        ticket = self._latest[place] = object()

        def tell() -> None:
            if self._latest.get(place) is ticket:
                page = make_page(where, desk)
                if self._latest.get(place) is ticket:
                    self._post(Made(place, where, page))

        self._start(tell)

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the application raises it where it is seen
                self._post(Broke(error))

        threading.Thread(target=guarded, daemon=True).start()
