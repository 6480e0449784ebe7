"""One process or many: who this one is, and what they tell each other. torchrun's variables decide."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from codex_evidence.errors import CodexError, UsageError
from codex_train.config.nouns import RunConfig, Strategy


class LostProcessError(CodexError):
    """A run of many processes of which one is gone."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class World:
    """``rank`` of ``size`` processes; ``local`` is the rank on this machine, which chooses the GPU."""

    rank: int = 0
    size: int = 1
    local: int = 0
    strategy: Strategy = Strategy.none

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    @property
    def sharded(self) -> bool:
        return self.strategy is Strategy.fsdp

    def barrier(self) -> None:
        if self.size > 1:
            dist.barrier()

    def told(self, value: Any) -> Any:
        """``value`` as the leading process has it."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def total(self, values: Tensor) -> Tensor:
        """``values`` [any] summed over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values


def join(run: RunConfig, device_type: str) -> World:
    """Joins the other processes that torchrun started. Raises UsageError when strategy or batch do not fit them, and
    that before it joins: the first process takes the place where they meet with it when it leaves."""
    strategy, size = run.strategy, int(os.environ.get("WORLD_SIZE", "1"))
    if "RANK" not in os.environ or size == 1:
        if strategy in (Strategy.ddp, Strategy.fsdp):
            raise UsageError(
                f"run.strategy={strategy.value} is for more than one process; start them with "
                "`torchrun --nproc-per-node N -m codex_train run ...`"
            )
        return World()
    if strategy is Strategy.none:
        raise UsageError(f"run.strategy=none, but {size} processes were started; use auto, ddp or fsdp")
    if run.batch % size:
        raise UsageError(
            f"run.batch={run.batch} cannot be shared by {size} processes alike; make it a multiple of {size}"
        )
    chosen = Strategy.ddp if strategy is Strategy.auto else strategy
    dist.init_process_group("nccl" if device_type == "cuda" else "gloo")
    return World(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0")), chosen)


@contextmanager
def joined(world: World) -> Iterator[None]:
    """Leaves the other processes at the end. Raises LostProcessError for what the libraries between them raise when one
    is gone: leaving would wait for it."""
    lost = False
    try:
        yield
    except RuntimeError as error:
        # gloo has no error of its own: its messages name its source files.
        lost = world.size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))
        if lost:
            raise LostProcessError(
                "another process of this run is gone or cannot be reached; look for what it said, and resume the run"
            ) from error
        raise
    finally:
        if world.size > 1 and not lost:
            dist.destroy_process_group()


def wrapped(model: nn.Module, world: World, device: torch.device) -> nn.Module:
    """``model`` set up to share its gradients: itself in one process, replicas (DDP) or shards (FSDP2)."""
    if world.size == 1:
        return model
    if not world.sharded:
        return nn.parallel.DistributedDataParallel(
            model, device_ids=[device] if device.type == "cuda" else None, gradient_as_bucket_view=True
        )
    from torch.distributed.fsdp import fully_shard

    for block in _blocks(model):
        fully_shard(block)
    fully_shard(model)
    return model


def _blocks(model: nn.Module) -> list[nn.Module]:
    """The layers of a transformer: the members of its longest list of modules."""
    lists = [list(module) for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=[])


def local_part(total: int, world: World) -> slice:
    """The part of ``total`` samples that is this process's."""
    each = total // world.size
    return slice(world.rank * each, (world.rank + 1) * each)
