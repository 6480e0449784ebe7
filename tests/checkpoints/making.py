"""A tiny model in training, and checkpoints of it. Run as a program, it is what tests do in other processes."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.errors import WriteError
from codex_train.checkpoints.convert import whole_tensors
from codex_train.checkpoints.find import checkpoints
from codex_train.checkpoints.optimizer import optimizer_state, restore_optimizer
from codex_train.checkpoints.read import read_checkpoint
from codex_train.checkpoints.rng import restore_rng, rng_tensors
from codex_train.checkpoints.state import CheckpointState, Origin
from codex_train.checkpoints.write import write_checkpoint

FILES = [
    "checkpoint.json",
    "config.json",
    "model.safetensors",
    "training/optimizer.safetensors",
    "training/rng.safetensors",
    "training/state.json",
]
"""Of a checkpoint of `make_state`, sorted."""

ZEROS = "0" * 64
ORIGIN = Origin(
    run="1" * 32,
    segment="0000",
    config_sha256=ZEROS,
    data_sha256=ZEROS,
    environment_class_sha256=ZEROS,
    environment_sha256=ZEROS,
    steps_head=ZEROS,
)


def small_files(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "tiny"}')


def make_state(step: int, *, size: int = 8, seed: int = 0) -> CheckpointState:
    """After ``step`` steps of a tiny network with ``size`` units, which differs by ``seed``."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, size), nn.Dropout(0.1), nn.Linear(size, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    for _ in range(step):
        model(torch.randn(2, 4)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return state_of(step, model, optimizer)


def state_of(
    step: int, model: nn.Module, optimizer: torch.optim.Optimizer, files: Callable[[Path], None] = small_files
) -> CheckpointState:
    return CheckpointState(
        step=step,
        origin=ORIGIN,
        model=model.state_dict(),
        optimizer=optimizer_state(optimizer, model.named_parameters()),
        rng=rng_tensors(),
        training={"best": 1.5},
        small_files=files,
    )


def language_model(kind: str) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    if kind == "gpt2":  # its input and output embeddings are one tensor
        return GPT2LMHeadModel(
            GPT2Config(vocab_size=64, n_positions=16, n_embd=16, n_layer=2, n_head=2,
                       resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1)
        )  # fmt: skip
    return LlamaForCausalLM(
        LlamaConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                    num_attention_heads=2, max_position_embeddings=16, attention_dropout=0.1)
    )  # fmt: skip


def layout_tensors(model: Any) -> dict[str, Tensor]:
    state: dict[str, Tensor] = model.state_dict()
    tied = model.config.tie_word_embeddings
    return {name: tensor for name, tensor in state.items() if not (tied and name == "lm_head.weight")}


def save_small(model: Any) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        model.config.save_pretrained(folder)
        model.generation_config.save_pretrained(folder)

    return save


def train(kind: str, folder: Path, last: int, resume: str) -> str:
    """Steps up to ``last``, a checkpoint each five; returns the last one's digest of all that is random or learnt."""
    model = language_model(kind)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1, fused=True)
    seed_all(4)
    done, digest = 0, ""
    if resume:
        saved = read_checkpoint(Path(resume))
        model.load_state_dict(saved.model, strict=False)
        restore_optimizer(optimizer, model.named_parameters(), saved.optimizer)
        restore_rng(saved.rng)
        done = saved.manifest.step
    model.train()
    for step in range(done + 1, last + 1):
        ids = torch.randint(0, 64, (4, 16))  # the data is drawn too, so that the generators must go on
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 5 == 0:
            state = state_of(step, model, optimizer, save_small(model))
            state = dataclasses.replace(state, model=layout_tensors(model))
            digest = write_checkpoint(folder, state).state_digest
    return digest


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def agree(succeeded: bool) -> bool:
    failed = torch.tensor([0.0 if succeeded else 1.0])
    dist.all_reduce(failed)
    return failed.item() == 0


def shard(folder: Path, last: int, resume: str, limited: int) -> str:
    """As one of many FSDP2 processes: steps up to ``last`` with a checkpoint each three; returns their digests, each
    after what a first try said when process ``limited`` could not write files of more than 3000 bytes."""
    from torch.distributed.fsdp import fully_shard

    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    seed_all(5)
    model = nn.Sequential(nn.Linear(6, 10), nn.Dropout(0.1), nn.Linear(10, 3))
    saved = read_checkpoint(Path(resume), rank=rank, world=world) if resume else None
    if saved is not None:
        model.load_state_dict(saved.model)
    fully_shard(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    seed_all(100 + rank)
    done, said = 0, ""
    if saved is not None:
        restore_optimizer(optimizer, model.named_parameters(), saved.optimizer)
        restore_rng(saved.rng)
        done = saved.manifest.step
    for step in range(done + 1, last + 1):
        model(torch.randn(4, 6)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % 3 == 0:
            state = state_of(step, model, optimizer)
            state = dataclasses.replace(state, model=whole_tensors(model.state_dict()))
            if limited >= 0:
                said += refused(folder, state, rank, world, limited) + "\n"
            said += write_checkpoint(folder, state, rank=rank, world=world, agree=agree).state_digest + "\n"
    dist.barrier()
    return said.strip()


def refused(folder: Path, state: CheckpointState, rank: int, world: int, limited: int) -> str:
    """What a save says while process ``limited`` may not write, and how many files it left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if rank == limited:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        write_checkpoint(folder, state, rank=rank, world=world, agree=agree)
    except WriteError as error:
        dist.barrier()
        left = len(list(folder.iterdir()))
        dist.barrier()
        return f"{error} ({left} left)"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return "written"


def main(arguments: list[str]) -> None:
    verb, folder, *rest = arguments
    if verb == "train":
        for kind in ("llama", "gpt2"):
            resume = str(Path(rest[1]) / kind / "step-000005") if rest[1] else ""
            print(train(kind, Path(folder) / kind, int(rest[0]), resume))
    elif verb == "shard":
        print(shard(Path(folder), int(rest[0]), rest[1], int(rest[2])))
        sys.stdout.flush()
        os._exit(0)  # a gloo process can abort while the interpreter ends, with its work done
    elif verb == "kill":
        print(json.dumps(kill_savers(Path(folder), int(rest[0]))))
    elif verb == "limited":
        save_without_room(Path(folder), int(rest[0]))
    elif verb == "locked":
        save_as_another(Path(folder))


def kill_savers(folder: Path, times: int) -> dict[str, int]:
    """Kills ``times`` processes that save again and again, and verifies after each what is there."""
    states = [dataclasses.replace(make_state(1, size=40_000, seed=step), step=step) for step in (1, 2, 3)]
    within = aside = 0
    for _ in range(times):
        child = os.fork()
        if child == 0:
            while True:
                for state in states:
                    write_checkpoint(folder, state)
        time.sleep(random.uniform(0.01, 0.3))  # noqa: S311 - a moment, no secret
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for path in checkpoints(folder).values():
            verify_checkpoint(path)
        names = {path.name for path in folder.iterdir()}
        within += any(name.endswith(".tmp") for name in names)
        aside += any(name.endswith(".old") for name in names)
    write_checkpoint(folder, states[0])
    left = [path.name for path in folder.iterdir() if path.suffix]
    return {"within": within, "aside": aside, "left": len(left), "there": len(checkpoints(folder))}


def save_without_room(folder: Path, room: int) -> None:
    """Saves a small checkpoint, then one for which a file may not grow to more than ``room`` bytes."""
    write_checkpoint(folder, make_state(1))
    large = dataclasses.replace(make_state(1, size=40_000), step=2)
    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        write_checkpoint(folder, large)
    except WriteError as error:
        print(error)


def save_as_another(folder: Path) -> None:
    """Saves a checkpoint, then one more in the same folder as somebody who may not write there."""
    write_checkpoint(folder, make_state(1))
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        write_checkpoint(folder, make_state(2))
    except WriteError as error:
        print(error)


if __name__ == "__main__":
    main(sys.argv[1:])
