"""The figures of a run as it goes on: plain counters that cost a step next to nothing."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_train.screens.text import duration, figure

_SMOOTH = 50
"""Steps that the smoothed loss looks back on, more or less."""
_SCORES = ("exact", "f1", "bleu", "rouge1", "rouge2", "rougeL", "chrf")


@dataclass(frozen=True, slots=True)
class Subject:
    """A run of ``steps`` optimizer steps of which ``done`` were done before; a line each ``every``."""

    name: str
    folder: Path
    steps: int
    done: int
    every: int


@dataclass(slots=True)
class Figures:
    """The last step; ``smooth`` is a running mean of the loss, in nats a target like ``loss``. ``targets`` are all so
    far. ``losses`` has one for each step after ``done``, ``evaluations`` what was found on the held-out part."""

    done: int = 0
    step: int = 0
    loss: float = math.nan
    smooth: float = 0.0
    norm: float | None = None
    rate: float = 0.0
    targets: int = 0
    losses: array[float] = field(default_factory=lambda: array("d"))
    evaluations: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)

    def take(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None:
        self.step, self.loss, self.norm, self.rate = step, loss, norm, rate
        self.targets += targets
        self.losses.append(loss)
        count = step - self.done
        self.smooth += (loss - self.smooth) / (count if count < _SMOOTH else _SMOOTH)


@dataclass(slots=True)
class Pace:
    """How fast a run goes, from what it had done at the last ``most`` looks at it."""

    most: int
    _looks: deque[tuple[float, int, int]] = field(default_factory=deque, init=False)

    def look(self, now: float, step: int, targets: int) -> None:
        """Takes note of where the run is at the time ``now``, in seconds."""
        self._looks.append((now, step, targets))
        if len(self._looks) > self.most:
            self._looks.popleft()

    def tokens(self) -> float:
        """Targets a second, from the first look to the last; NaN when that is not known."""
        (before, _, former), (now, _, targets) = self._looks[0], self._looks[-1]
        return (targets - former) / (now - before) if now > before else math.nan

    def left(self, steps: int) -> float:
        """Seconds until ``steps`` are done; NaN when that is not known."""
        (before, former, _), (now, step, _) = self._looks[0], self._looks[-1]
        return (steps - step) * (now - before) / (step - former) if step > former else math.nan


def evaluation_text(metrics: Mapping[str, Any]) -> str:
    """The metrics of an evaluation on one line."""
    known = (
        ("loss", "loss {}", ".4f"),
        ("perplexity", "perplexity {}", ",.2f"),
        ("bits_per_byte", "{} bits/byte", ".4f"),
        ("token_accuracy", "{} of tokens", ".1%"),
        *((name, f"{name} {{}}", ".1f") for name in _SCORES),
    )
    told = (form.format(figure(metrics[name], shape)) for name, form, shape in known if name in metrics)
    return "  ".join(told)


def summary_text(figures: Figures, seconds: float) -> str:
    """What was done in ``seconds``, on one line."""
    count = len(figures.losses)
    if not count:
        return "no step was taken"
    losses = figures.losses
    best = min(range(count), key=losses.__getitem__)
    speed = f"{figures.targets / seconds:,.0f}" if seconds > 0 else "?"
    return (
        f"steps {figures.done + 1}-{figures.step} in {duration(seconds)}, {speed} tokens/s  "
        f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, lowest {losses[best]:.4f} at step {figures.done + 1 + best}"
    )
