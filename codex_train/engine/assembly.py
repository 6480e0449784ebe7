"""Model, optimizer, data and watch of a run, put together and, on a resume, put back to where it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codex_train.checkpoints.optimizer import restore_optimizer, restore_scaler
from codex_train.checkpoints.read import Checkpoint
from codex_train.checkpoints.rng import of_devices_here, restore_rng
from codex_train.config.nouns import Config
from codex_train.data.order import order as seeded_order
from codex_train.engine.keeper import Keeper, bare_name
from codex_train.engine.loop import Job
from codex_train.engine.optimizer import make_optimizer
from codex_train.engine.plan import Order, Plan, total_steps
from codex_train.engine.precision import autocast, make_scaler
from codex_train.engine.processes import World, wrapped
from codex_train.engine.setup import Ground
from codex_train.engine.stopping import Patience
from codex_train.engine.watch import Screen, Watch
from codex_train.evaluation.held_out import HeldOut, judged
from codex_train.models.save import load_layout
from codex_train.recorder.recorder import Recorder

WAIT_ON_GPU = 8
"""Steps that may run on a GPU before their figures are fetched."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """``plain`` is the model without the wrapping of its processes."""

    job: Job
    plain: nn.Module
    keeper: Keeper
    held: HeldOut | None

    def watch(self, recorder: Recorder | None, screen: Screen | None, done: int) -> Watch:
        """The watch of the steps after ``done``, which is where a checkpoint was made unless it is 0."""
        config, device = self.job.config, self.job.device
        self.keeper.recorder = recorder
        return Watch(
            log=recorder,
            screen=screen,
            patience=self.keeper.patience,
            evaluate=self._evaluator(recorder) if self.held is not None else None,
            save=self.keeper.save,
            settle=self.keeper.settle,
            evaluate_every=config.evaluation.every,
            save_every=config.checkpoint.every,
            pinned=frozenset(config.checkpoint.pinned),
            last=self.job.steps,
            scaled=self.job.scaler is not None,
            wait=WAIT_ON_GPU if device.type == "cuda" else 1,
            saved=done,
        )

    def _evaluator(self, recorder: Recorder | None) -> Callable[[int], dict[str, Any]]:
        job, held = self.job, self.held
        assert held is not None  # noqa: S101 - asked for only where there is one
        model = job.model if job.world.sharded else self.plain  # replicas need not speak to each other here

        def judge(step: int) -> dict[str, Any]:
            started = time.perf_counter()
            found = judged(
                model,
                held,
                job.config.evaluation,
                batch=job.config.evaluation.batch or job.micro,
                device=job.device,
                autocast=autocast(job.config.run.precision, job.device),
            )
            if recorder is not None:
                recorder.metric({"step": step, **found, "seconds": round(time.perf_counter() - started, 3)})
            return dict(found)

        return judge


def assembled(
    config: Config,
    ground: Ground,
    model: nn.Module,
    order: Order | None,
    world: World,
    device: torch.device,
    checkpoint: Checkpoint | None,
    folder: Path,
) -> Assembly:
    """Everything of a run but its recorder. The weights of ``checkpoint`` go in before the model is spread out."""
    blocks = ground.data.train
    plan = Plan(order or seeded_order, config.run.seed, len(blocks), config.run.batch)
    if checkpoint is not None:
        load_layout(model, checkpoint.model)
    if config.model.compile:
        model.compile()
    model.to(device)
    spread = wrapped(model, world, device)
    job = Job(
        config,
        spread,
        make_optimizer(spread, config.optimizer),
        make_scaler(config.run.precision, device),
        blocks,
        plan,
        total_steps(config.run, plan),
        world,
        device,
    )
    keeper = Keeper(job, model, folder / "checkpoints", Patience(config.run.patience), ground.encoder)
    return Assembly(job, model, keeper, ground.held)


def restored(assembly: Assembly, checkpoint: Checkpoint | None) -> None:
    """Puts everything but the weights back to where ``checkpoint`` was made, the random numbers last: where it has none
    for this process they stay as they are."""
    if checkpoint is None:
        return
    job = assembly.job
    names = ((bare_name(name), parameter) for name, parameter in job.model.named_parameters())
    restore_optimizer(job.optimizer, names, checkpoint.optimizer)
    restore_scaler(job.scaler, checkpoint.scaler)
    assembly.keeper.recall(checkpoint.training, checkpoint.manifest.step)
    if checkpoint.manifest.world_size == job.world.size:
        restore_rng(checkpoint.rng)
    elif checkpoint.rng:  # with other processes there may be fewer GPUs
        restore_rng(of_devices_here(checkpoint.rng))
