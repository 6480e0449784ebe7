"""Progress on a terminal: a few lines that a thread draws again and again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from codex_train.screens.figures import Figures, Pace, Subject, evaluation_text
from codex_train.screens.text import duration, figure, printable

INTERVAL = 0.5
"""Seconds between drawings. One takes about a millisecond of Python, which the loop waits for: with half a second
between them that is two parts in a thousand."""
_LOOKS = 60  # half a minute
_BAR = 24


@dataclass(slots=True)
class View:
    """The screen of a run on a terminal. The steps leave figures, the thread draws them: a long evaluation or a slow
    step does not make it stand still."""

    subject: Subject
    figures: Figures
    console: Console
    _pace: Pace = field(default_factory=lambda: Pace(_LOOKS), init=False)
    _live: Live = field(init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)
    _began: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._live = Live(console=self.console, auto_refresh=False, get_renderable=self._drawn)
        self._thread = threading.Thread(target=self._draw, name="codex-train progress", daemon=True)

    def begin(self) -> None:
        self._began = time.perf_counter()
        self._pace.look(self._began, self.subject.done, 0)
        self._live.start()
        self.console.show_cursor(True)  # a process that is killed cannot bring it back
        self._thread.start()

    def step(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None:
        self.figures.take(step, loss, norm, rate, targets)

    def evaluation(self, step: int, metrics: dict[str, Any]) -> None:
        self.figures.evaluations.append((step, metrics))

    def end(self) -> None:
        """Draws a last time and gives the terminal back."""
        self._ended.set()
        self._thread.join()
        try:
            self._live.stop()
        except (OSError, ValueError):
            return  # the terminal went away, and with it who wanted to see this

    def _draw(self) -> None:
        while not self._ended.wait(INTERVAL):
            try:
                self._live.refresh()
            except (OSError, ValueError):
                return

    def _drawn(self) -> Group:
        now, figures, subject = time.perf_counter(), self.figures, self.subject
        step, pace = figures.step or subject.done, self._pace
        pace.look(now, step, figures.targets)
        bar = _bar(step / subject.steps if subject.steps else 1.0)
        times = f"{duration(now - self._began)}  left {duration(pace.left(subject.steps))}"
        lines = [f"{printable(subject.name)}  {bar}  {step:,}/{subject.steps:,}  {times}"]
        if figures.step:
            lines.append(
                f"loss {figures.loss:.4f}  smoothed {figures.smooth:.4f}  lr {figures.rate:.3e}  "
                f"norm {figure(figures.norm, '.3f')}  {pace.tokens():,.0f} tokens/s"
            )
        else:
            lines.append("the first step is under way")
        if figures.evaluations:
            at, metrics = figures.evaluations[-1]
            lines.append(f"validation {at:,}  {evaluation_text(metrics)}")
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


def _bar(share: float) -> str:
    full = round(min(share, 1.0) * _BAR)
    return "#" * full + "-" * (_BAR - full)


def console_of(output: TextIO) -> Console | None:
    """A console for a live view on ``output``; None where it is no terminal, or one that cannot move its cursor."""
    if not output.isatty():
        return None
    console = Console(file=output, highlight=False)
    return None if console.is_dumb_terminal or not console.is_terminal else console
