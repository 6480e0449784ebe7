"""Why a run stops before its last step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from codex_evidence.errors import CodexError


class NonFiniteError(CodexError):
    """A loss or a gradient that is no number."""

    exit_code = 1


@dataclass(slots=True)
class Stop:
    """``reason`` is empty while the run goes on. ``waits`` says whether there is a step to wait for."""

    reason: str = ""
    waits: bool = False


@contextmanager
def listening(*, many: bool = False) -> Iterator[Stop]:
    """SIGTERM and SIGINT (Ctrl-C) ask for a stop after the step under way; a second one ends the process at once, but
    not one of ``many``: who stops them all tells each of them and torchrun, which tells each of them again.
    While there is no step to wait for they raise KeyboardInterrupt: reading a corpus may take hours."""
    stop = Stop()
    names = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}

    def hear(number: int, frame: FrameType | None) -> None:
        if stop.reason and many:
            return
        if stop.reason:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if not stop.waits:
            raise KeyboardInterrupt
        stop.reason = f"stopped by {names[signal.Signals(number)]}"

    former = {number: signal.signal(number, hear) for number in names}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class Patience:
    """Counts evaluations without a lower loss. ``most`` 0 never loses it."""

    most: int
    best: float = float("inf")
    since: int = field(default=0)

    def hear(self, loss: float) -> None:
        self.since = 0 if loss < self.best else self.since + 1
        self.best = min(self.best, loss)

    @property
    def reason(self) -> str:
        """Why to stop, empty while it is not lost."""
        lost = 0 < self.most <= self.since
        return f"no lower held-out loss in {self.most} evaluations" if lost else ""
