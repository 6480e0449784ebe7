"""One training run with one engine in this process: the same model, data, order, optimizer, schedule and clipping.

    python -m benchmarks.training_run ENGINE CORPUS [--size small] [--steps 40]

Prints one line of JSON: seconds of the steps, memory, time to the first step, and digests of losses and weights. With
``--turns READ WRITE``, two open file descriptors, it writes a byte after the first step and after each turn of so many
steps more, and waits for one before it goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
LR, CLIP = 3e-4, 1.0
SIZES = {  # layers, width, heads, context, batch
    "small": (4, 256, 4, 256, 8),
    "tiny": (1, 16, 1, 16, 1),  # shows what a loop costs by itself: the model costs almost nothing
}
# Steps: some tens of milliseconds and more, for what a change of process costs.
TURN = {"small": 1, "tiny": 50}


@dataclass(frozen=True, slots=True)
class Job:
    """What every engine trains: ``corpus`` is a text, ``steps`` are optimizer steps."""

    size: str
    steps: int
    corpus: Path

    @property
    def shape(self) -> tuple[int, int]:
        """Samples of a step and tokens of a sample."""
        _, _, _, context, batch = SIZES[self.size]
        return batch, context


@dataclass(slots=True)
class Clock:
    """Wall and processor seconds of each step, and its loss; ``first`` is the moment at which the first one ended.

    With ``turns`` the first of every ``turn`` steps begins when it is this process's turn."""

    turns: tuple[int, int] | None = None
    turn: int = 1
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    first: float = 0.0
    _began: tuple[float, float] = (0.0, 0.0)

    def tick(self, loss: float) -> None:
        now = (time.perf_counter(), time.process_time())
        if self.losses:
            self.wall.append(now[0] - self._began[0])
            self.processor.append(now[1] - self._began[1])
        else:
            self.first = now[0]
        self._began = now
        if self.turns and len(self.losses) % self.turn == 0:
            self._began = self._next_turn(*self.turns)
        self.losses.append(loss)

    def _next_turn(self, read: int, write: int) -> tuple[float, float]:
        os.write(write, b".")
        os.read(read, 1)
        return time.perf_counter(), time.process_time()

    def step(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None:
        """As a screen of the engine."""
        self.tick(loss)

    def evaluation(self, step: int, metrics: dict[str, Any]) -> None:
        """As a screen of the engine; nothing is evaluated here."""


def make_model(size: str) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    layers, width, heads, context, _ = SIZES[size]
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=256,
            hidden_size=width,
            intermediate_size=width * 8 // 3,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=context,
            use_cache=False,
        )
    )


def order(_seed: int, _epoch: int, samples: int) -> Any:
    """The shared order of the samples."""
    import torch

    return torch.randperm(samples, generator=torch.Generator().manual_seed(0)).numpy()


def batches(job: Job) -> Any:
    """int64 [steps, batch, context], in the shared order, epoch after epoch."""
    import torch

    batch, context = job.shape
    data = torch.frombuffer(bytearray(job.corpus.read_bytes()), dtype=torch.uint8)
    blocks = data[: len(data) // context * context].view(-1, context)
    ids = torch.from_numpy(order(0, 0, len(blocks)))[: len(blocks) // batch * batch].view(-1, batch)
    return [blocks[ids[step % len(ids)]].long() for step in range(job.steps)]


def by_hand(job: Job, clock: Clock) -> Any:
    """The loop that everybody writes: no loader, no framework, no record."""
    import torch

    model = make_model(job.size)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (job.steps - step) / job.steps)
    batch, context = job.shape
    targets = torch.tensor(batch * (context - 1))
    for ids in batches(job):
        loss = model(input_ids=ids, labels=ids, num_items_in_batch=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        clock.tick(loss.item())
    return model


def codex_train(job: Job, clock: Clock) -> Any:
    """The engine by its public way, with recorder, checkpoints and its own data room."""
    from codex_train.config.nouns import CheckpointConfig, Config, DataConfig, OptimizerConfig, RunConfig
    from codex_train.engine.run import Given, run_training

    model, (batch, context) = make_model(job.size), job.shape
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        config = Config(
            data=DataConfig(files=[str(job.corpus)], context=context, validation=0.0),
            optimizer=OptimizerConfig(lr=LR, clip=CLIP),
            run=RunConfig(steps=job.steps, batch=batch),
            checkpoint=CheckpointConfig(every=max(job.steps // 2, 1)),
        )
        run_training(config, base, base / "run", given=Given(model=model, order=order, screen=clock))
    return model


def accelerate(job: Job, clock: Clock) -> Any:
    import torch
    from accelerate import Accelerator  # type: ignore[import-untyped]

    accelerator = Accelerator(cpu=True)
    model = make_model(job.size)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (job.steps - step) / job.steps)
    loader = torch.utils.data.DataLoader(batches(job), batch_size=None)
    model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
    batch, context = job.shape
    targets = torch.tensor(batch * (context - 1))
    for ids in loader:
        loss = model(input_ids=ids, labels=ids, num_items_in_batch=targets).loss
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        clock.tick(loss.item())
    return accelerator.unwrap_model(model)


ENGINES: dict[str, Callable[[Job, Clock], Any]] = {
    "by hand": by_hand,
    "codex-train": codex_train,
    "accelerate": accelerate,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="One training run with one engine.")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--turns", type=int, nargs=2, metavar=("READ", "WRITE"))
    arguments = parser.parse_args()
    clock = Clock(tuple(arguments.turns) if arguments.turns else None, TURN[arguments.size])
    model = ENGINES[arguments.engine](Job(arguments.size, arguments.steps, arguments.corpus.resolve()), clock)
    weights = sha256()
    for parameter in model.parameters():
        weights.update(parameter.detach().contiguous().numpy().tobytes())
    print(
        json.dumps(
            {
                "wall": clock.wall,
                "processor": clock.processor,
                "first": clock.first - STARTED,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "losses": sha256(json.dumps([loss.hex() for loss in clock.losses]).encode()).hexdigest()[:16],
                "weights": weights.hexdigest()[:16],
            }
        )
    )


if __name__ == "__main__":
    main()
