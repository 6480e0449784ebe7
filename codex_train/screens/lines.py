"""Progress where no terminal shows it: one plain line an interval, for logs and pipes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from codex_train.screens.figures import Figures, Pace, Subject, evaluation_text
from codex_train.screens.text import duration, figure, printable

_LOOKS = 2  # the figures of a line are those since the line before


class Voice:
    """Writes lines to ``output`` as long as somebody listens: a reader who goes away must not end a run."""

    def __init__(self, output: TextIO) -> None:
        self.output = output
        self.lost = False

    def say(self, line: str) -> None:
        """One line, made printable."""
        self.write(printable(line) + "\n")

    def write(self, text: str) -> None:
        """``text`` as it is."""
        if self.lost:
            return
        try:
            self.output.write(text)
            self.output.flush()
        except (OSError, ValueError):  # gone, or closed under us
            self.lost = True


@dataclass(slots=True)
class Lines:
    """The screen of a run in a pipe."""

    subject: Subject
    voice: Voice
    figures: Figures
    _pace: Pace = field(default_factory=lambda: Pace(_LOOKS), init=False)
    _told: int = field(default=0, init=False)

    def begin(self) -> None:
        subject = self.subject
        self._pace.look(time.perf_counter(), subject.done, 0)
        whence = f" from step {subject.done}" if subject.done else ""
        self.voice.say(f"run {subject.name}{whence}: {subject.steps} steps, folder {subject.folder}")

    def step(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None:
        self.figures.take(step, loss, norm, rate, targets)
        if step % self.subject.every == 0:
            self._tell()

    def evaluation(self, step: int, metrics: dict[str, Any]) -> None:
        self.figures.evaluations.append((step, metrics))
        self.voice.say(validation_line(step, self.subject.steps, metrics))

    def end(self) -> None:
        if self.figures.step > self._told:
            self._tell()

    def _tell(self) -> None:
        figures, steps = self.figures, self.subject.steps
        self._told = figures.step
        self._pace.look(time.perf_counter(), figures.step, figures.targets)
        speed = self._pace.tokens()
        self.voice.say(
            f"step {figures.step}/{steps}  loss {figures.loss:.4f}  smoothed {figures.smooth:.4f}  "
            f"lr {figures.rate:.3e}  norm {figure(figures.norm, '.3f')}  {speed:,.0f} tokens/s  "
            f"left {duration(self._pace.left(steps))}"
        )


def validation_line(step: int, steps: int, metrics: Mapping[str, Any]) -> str:
    """An evaluation after ``step``."""
    return f"validation {step}/{steps}  {evaluation_text(metrics)}"
