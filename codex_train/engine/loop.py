"""The training step, top to bottom, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import tee
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codex_train.config.nouns import Config
from codex_train.data.blocks import Batch, Blocks
from codex_train.data.prefetch import ahead, in_groups
from codex_train.engine.objective import summed_loss
from codex_train.engine.plan import Plan, Turn
from codex_train.engine.precision import autocast
from codex_train.engine.processes import World, local_part
from codex_train.engine.schedule import share
from codex_train.engine.stopping import Stop
from codex_train.engine.watch import Stepped, Watch

_MOST_TOGETHER = 64  # steps that are planned, and batches that are made, at a time
_BYTES_TOGETHER = 64 << 10  # of such batches


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, by whom. ``model`` is wrapped for its processes and returns ``.logits``; ``steps`` is
    the number of the last optimizer step."""

    config: Config
    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler | None
    blocks: Blocks
    plan: Plan
    steps: int
    world: World
    device: torch.device

    @property
    def micro(self) -> int:
        """Samples of a forward pass."""
        return self.config.run.micro_batch or self.plan.batch // self.world.size


def train(job: Job, done: int, watch: Watch, stop: Stop) -> str:
    """Optimizer steps ``done`` + 1 to ``job.steps``; ``watch`` hears each. Returns why it stopped before the last,
    empty when it did not. Raises NonFiniteError."""
    model, optimizer, run = job.model, job.optimizer, job.config.run
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    precision = autocast(run.precision, job.device)
    turns, feed = _prepared(job, done)
    model.train()
    for turn in turns:
        step, targets = turn.step, job.blocks.targets(turn.ids)
        rate = job.config.optimizer.lr * share(job.config.schedule, step - 1, job.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _gradients(job, feed, targets, precision)
        norm = _clipped(job, parameters)
        _update(job)
        for parameter in parameters:
            parameter.grad = None  # as zero_grad does, less what a profiler would want to know of it
        loss, reason = _agreed(job.world, loss, stop)
        watch.hear(Stepped(turn, rate, targets, loss, norm))
        reason = watch.between(step, reason)
        if reason and step < job.steps:
            return reason
    return ""


def _gradients(
    job: Job, feed: Iterator[Batch], targets: int, precision: AbstractContextManager[object]
) -> Tensor:
    """Adds up the gradients of this process's part of a batch; returns its part of the mean loss over
    all ``targets``."""
    parts = -(-(job.plan.batch // job.world.size) // job.micro)
    total: Tensor | None = None
    for part in range(parts):
        batch = next(feed)
        labels = batch.labels.to(job.device)
        with _shared(job, last=part == parts - 1):
            with precision:
                loss = (
                    summed_loss(job.model(input_ids=batch.input_ids.to(job.device)).logits, labels) / targets
                )
            # DDP and FSDP take the mean over processes, of which the sum is wanted.
            scaled = loss if job.world.size == 1 else loss * job.world.size
            (scaled if job.scaler is None else job.scaler.scale(scaled)).backward()  # type: ignore[no-untyped-call]
        total = loss.detach() if total is None else total + loss.detach()
    assert total is not None  # noqa: S101 - there is at least one part
    return total


def _shared(job: Job, *, last: bool) -> AbstractContextManager[Any]:
    """Gradients travel between processes once a step, with its last part."""
    if job.world.size == 1:
        return nullcontext()
    if job.world.sharded:
        job.model.set_requires_gradient_sync(last)  # type: ignore[operator]
        return nullcontext()
    return nullcontext() if last else job.model.no_sync()  # type: ignore[operator]


def _clipped(job: Job, parameters: list[nn.Parameter]) -> Tensor:
    """The norm of all gradients, before they are clipped to ``optimizer.clip``."""
    if job.scaler is not None:
        job.scaler.unscale_(job.optimizer)
    norm = nn.utils.clip_grad_norm_(parameters, job.config.optimizer.clip or float("inf"))
    return norm.full_tensor() if job.world.sharded else norm  # type: ignore[attr-defined]


def _update(job: Job) -> None:
    if job.scaler is None:
        job.optimizer.step()
        return
    job.scaler.step(job.optimizer)
    job.scaler.update()


def _agreed(world: World, loss: Tensor, stop: Stop) -> tuple[Tensor, str]:
    """The loss over all processes, and why any of them wants to stop: all must leave after the same step."""
    if world.size == 1:
        return loss, stop.reason
    sums = world.total(torch.stack((loss.float(), loss.new_tensor(float(bool(stop.reason))).float())))
    # A signal that came after the sum was taken waits for the next step: the others have not heard of it.
    return sums[0], (stop.reason or "stopped in another process") if sums[1] > 0 else ""


def _prepared(job: Job, done: int) -> tuple[Iterator[Turn], Iterator[Batch]]:
    """The turns after step ``done``, and the batch of each forward pass of this process."""
    turns, ahead_of_them = tee(in_groups(job.plan.turns(done + 1, job.steps), _MOST_TOGETHER))
    feed = ahead(job.blocks, _requests(job, ahead_of_them), job.config.data.workers)
    if job.config.data.workers:
        return turns, feed
    together = _BYTES_TOGETHER // (job.micro * job.blocks.context * 8)
    return turns, in_groups(feed, min(max(together, 1), _MOST_TOGETHER))


def _requests(job: Job, turns: Iterator[Turn]) -> Iterator[tuple[NDArray[np.int64], int]]:
    """The ids of each forward pass of this process, and their epoch."""
    for turn in turns:
        own = turn.ids[local_part(job.plan.batch, job.world)]
        for first in range(0, len(own), job.micro):
            yield own[first : first + job.micro], turn.epoch
