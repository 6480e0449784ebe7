"""What happens around the steps: the log, evaluation, checkpoints. None of it draws a number or changes a weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from codex_train.engine.plan import Turn
from codex_train.engine.stopping import NonFiniteError, Patience
from codex_train.recorder.recorder import Recorder


class Stepped(NamedTuple):
    """An optimizer step that was taken: ``loss`` in nats a target and ``norm`` of the gradients are on the device."""

    turn: Turn
    rate: float
    targets: int
    loss: Tensor
    norm: Tensor


class Screen(Protocol):
    """Who looks on."""

    def step(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None: ...
    def evaluation(self, step: int, metrics: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class Watch:
    """``evaluate`` gives the metrics of the held-out part, ``save`` makes a checkpoint and ``settle`` is called when
    the weights of the last one are known to be sound; ``log`` is None in processes that do not write. ``wait`` is how
    many steps may run before their figures are fetched: fetching waits for a GPU. ``saved`` is the step of the last
    checkpoint, 0 before the first; ``last`` that of the last step, whose checkpoint ``finish`` makes, with the loss of
    the evaluation at the end."""

    log: Recorder | None
    screen: Screen | None
    patience: Patience
    evaluate: Callable[[int], dict[str, Any]] | None
    save: Callable[[int, dict[str, Any]], None]
    settle: Callable[[], None]
    evaluate_every: int
    save_every: int
    pinned: frozenset[int]
    last: int
    scaled: bool = False
    wait: int = 1
    saved: int = 0
    _pending: list[Stepped] = field(default_factory=list, init=False)
    _metrics: dict[str, Any] = field(default_factory=dict, init=False)

    def hear(self, stepped: Stepped) -> None:
        """Takes note of a step. Raises NonFiniteError for one among those fetched."""
        self._pending.append(stepped)
        if len(self._pending) >= self.wait:
            self.fetch()

    def fetch(self) -> None:
        """Writes the steps that wait."""
        pending, self._pending = self._pending, []
        if len(pending) == 1:
            figures = [(pending[0].loss.item(), pending[0].norm.item())]
        else:
            both = [torch.stack((item.loss.float(), item.norm.float())) for item in pending]
            figures = [(loss, norm) for loss, norm in torch.stack(both).tolist()] if both else []
        for item, (loss, norm) in zip(pending, figures, strict=True):
            self._write(item, loss, self._checked(item.turn.step, loss, norm))
        if pending:
            self.settle()

    def between(self, step: int, reason: str) -> str:
        """Evaluates and saves after ``step`` where it is time to, and before a stop for ``reason``; returns the reason
        to stop, empty for none."""
        self._metrics = {}
        if self.evaluate is not None and self.evaluate_every and step % self.evaluate_every == 0:
            reason = self.judge(step) or reason
        due = step in self.pinned or (self.save_every and step % self.save_every == 0)
        if step != self.last and (reason or due):
            self._keep(step)
        return reason

    def judge(self, step: int) -> str:
        """Evaluates, which must be possible, and counts it; returns the reason to stop, empty for none."""
        self._evaluate(step)
        loss = self._metrics["loss"]
        self.patience.hear(math.inf if loss is None else loss)
        return self.patience.reason

    def finish(self, step: int) -> None:
        """Evaluates and saves after the last step, unless that was done. The evaluation costs no patience: it has no
        part in the rhythm of the others, and after a resume at the last step it is one that was counted before."""
        if not self._metrics:
            self._evaluate(step)
        self._keep(step)
        self.settle()

    def _evaluate(self, step: int) -> None:
        self.fetch()
        if self.evaluate is None:
            return
        self._metrics = self.evaluate(step)
        if self.screen is not None:
            self.screen.evaluation(step, self._metrics)

    def _keep(self, step: int) -> None:
        self.fetch()  # so that no checkpoint is made after a loss that is no number
        self.save(step, self._metrics)
        self.saved = step

    def _checked(self, step: int, loss: float, norm: float) -> float | None:
        """The norm; None where a scaler found it not finite and left the weights as they were."""
        if not math.isfinite(loss):
            raise NonFiniteError(
                f"step {step}: the loss is {loss}; {self._way_out()} a lower optimizer.lr or another run.precision"
            )
        if math.isfinite(norm):
            return norm
        if self.scaled:
            return None
        raise NonFiniteError(
            f"step {step}: the norm of the gradients is {norm}; {self._way_out()} a lower optimizer.lr"
        )

    def _way_out(self) -> str:
        """What is known of the last checkpoint: its loss was a number, which does not say that it had not risen."""
        if not self.saved:
            return "no checkpoint was made yet: begin again with"
        return (
            f"the last checkpoint is that of step {self.saved}, whose loss was finite: resume --from {self.saved}, or "
            "from an earlier one if the loss had risen by then, with"
        )

    def _write(self, item: Stepped, loss: float, norm: float | None) -> None:
        if self.log is not None:
            step, epoch, _, samples = item.turn
            self.log.step(step, epoch, loss, norm, item.rate, item.targets, samples)
        if self.screen is not None:
            self.screen.step(item.turn.step, loss, norm, item.rate, item.targets)
