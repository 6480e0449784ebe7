"""When a checkpoint is made, what goes into it, and which former ones go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codex_evidence.checkpoint_folders import checkpoint_name
from codex_train.checkpoints.find import checkpoints
from codex_train.checkpoints.folders import remove_checkpoint
from codex_train.checkpoints.optimizer import optimizer_state, scaler_document
from codex_train.checkpoints.retention import to_remove
from codex_train.checkpoints.rng import rng_tensors
from codex_train.checkpoints.state import CheckpointState, Origin
from codex_train.checkpoints.write import write_checkpoint
from codex_train.data.encoder import Encoder
from codex_train.engine.loop import Job
from codex_train.engine.stopping import Patience
from codex_train.models.save import layout_tensors, save_layout, weights_file
from codex_train.recorder.recorder import Recorder
from codex_train.tokenization.load import write_tokenizer

_NOBODY = Origin(
    run="",
    segment="",
    config_sha256="",
    data_sha256="",
    environment_class_sha256="",
    environment_sha256="",
    steps_head="",
)


@dataclass(slots=True)
class Keeper:
    """Makes checkpoints of ``job`` in ``folder`` and removes those that need not stay. ``plain`` is the model without
    the wrapping of its processes; ``recorder`` is None in processes that do not write. ``losses`` are held-out ones by
    step; ``saved`` is the step of the last checkpoint and ``digest`` that of its state; ``doubted`` until a step from
    its weights has shown that they are sound."""

    job: Job
    plain: nn.Module
    folder: Path
    patience: Patience
    encoder: Encoder
    recorder: Recorder | None = None
    losses: dict[int, float] = field(default_factory=dict)
    saved: int = -1
    digest: str = ""
    doubted: bool = False

    def recall(self, training: Mapping[str, Any], step: int) -> None:
        """Takes up what the checkpoint after ``step`` holds of this."""
        best = training["patience"]["best"]
        self.patience.best = float("inf") if best is None else best
        self.patience.since = training["patience"]["since"]
        self.losses = {int(number): loss for number, loss in training["losses"].items()}

    def save(self, step: int, metrics: Mapping[str, Any]) -> None:
        """The checkpoint after ``step``, once; ``metrics`` are those of its evaluation, if there was one."""
        if isinstance(metrics.get("loss"), float):
            self.losses[step] = metrics["loss"]
        if step == self.saved:
            return
        world, path = self.job.world, self.folder / checkpoint_name(step)
        if self.recorder is not None:
            self.recorder.flush()  # the log of the steps that made these weights is on disk before them
            if path.exists():
                self.recorder.removed(path)  # a former life of the run got further than where this one began
        manifest = write_checkpoint(
            self.folder, self._state(step), rank=world.rank, world=world.size, agree=self._agree
        )
        self.saved, self.digest, self.doubted = step, manifest.state_digest, True
        if self.recorder is not None:
            self.recorder.checkpoint(manifest, path)

    def settle(self) -> None:
        """The last checkpoint is sound: those that need not stay beside it go. A step can ruin the weights and have a
        finite loss itself, so the checkpoint before the last one stays until the step after it was heard of."""
        if self.doubted and self.recorder is not None:
            self._clean(self.recorder)
        self.doubted = False

    def _state(self, step: int) -> CheckpointState:
        names = self.job.model.named_parameters()
        return CheckpointState(
            step=step,
            origin=self._origin(),
            model={name: _whole(tensor) for name, tensor in layout_tensors(self.plain).items()},
            weights=weights_file(self.plain),
            optimizer=optimizer_state(self.job.optimizer, ((bare_name(name), item) for name, item in names)),
            rng=rng_tensors(),
            scaler=scaler_document(self.job.scaler),
            training=self._training(),
            small_files=self._small_files,
        )

    def _origin(self) -> Origin:
        """Of which run the checkpoint is; the process that leads knows, and writes it."""
        if self.recorder is None:
            return _NOBODY
        known, parent = self.recorder.identity, self.recorder.parent
        return Origin(
            run=known.run,
            segment=known.segment,
            config_sha256=known.config_sha256,
            data_sha256=known.data_sha256,
            environment_class_sha256=known.environment_class_sha256,
            environment_sha256=known.environment_sha256,
            steps_head=self.recorder.head,
            overrides=parent.overrides if parent else (),
        )

    def _training(self) -> dict[str, Any]:
        best = None if self.patience.best == float("inf") else self.patience.best
        losses = {str(step): loss for step, loss in sorted(self.losses.items())}
        return {"patience": {"best": best, "since": self.patience.since}, "losses": losses}

    def _small_files(self, folder: Path) -> None:
        save_layout(self.plain, folder)
        write_tokenizer(self.encoder, folder)

    def _agree(self, succeeded: bool) -> bool:
        world = self.job.world
        if world.size == 1:
            return succeeded
        failures = torch.tensor(float(not succeeded), device=self.job.device)
        return world.total(failures).item() == 0

    def _clean(self, recorder: Recorder) -> None:
        rules = self.job.config.checkpoint
        # Those of later steps are of a former life of the run, which began again before them.
        there = {step: path for step, path in checkpoints(self.folder).items() if step <= self.saved}
        for step in to_remove(there, self.losses, rules.keep_last, rules.keep_best, rules.pinned):
            recorder.removed(there[step])
            remove_checkpoint(there[step])


def _whole(tensor: Tensor) -> Tensor:
    """A tensor that is spread over processes, put together in each of them."""
    full = getattr(tensor, "full_tensor", None)
    return full() if full is not None else tensor


def bare_name(name: str) -> str:
    """A parameter's name without what DDP puts before it."""
    return name.removeprefix("module.")
