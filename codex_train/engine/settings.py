"""What a run sets in its process before it makes a tensor: device, threads, determinism, no network, seeds."""

from __future__ import annotations

import os
import random
from hashlib import sha256

import numpy as np
import torch

from codex_evidence.errors import UsageError
from codex_train.config.nouns import RunConfig
from codex_train.engine.memory import keep_freed_memory

# One of the two values with which cuBLAS repeats itself (CUDA documentation, "Results reproducibility").
_CUBLAS = ":4096:8"


def device_type(run: RunConfig) -> str:
    """``cpu`` or ``cuda``. Raises UsageError for a GPU that is not there."""
    if run.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"run.device={run.device} is none of auto, cpu, cuda")
    present = torch.cuda.is_available()
    if run.device == "cuda" and not present:
        raise UsageError(
            "run.device=cuda, but torch sees no GPU; use run.device=cpu, or see `codex-train doctor`"
        )
    return "cuda" if present and run.device != "cpu" else "cpu"


def device_of(kind: str, local: int) -> torch.device:
    """The device of the process that is number ``local`` on its machine."""
    if kind == "cpu":
        return torch.device("cpu")
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def settle(run: RunConfig, kind: str) -> None:
    """Sets threads, determinism and the libraries' way to the network for this process, as ``run`` says.

    Must come before CUDA is used: cuBLAS reads its workspace setting once.
    """
    if run.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    if run.threads:
        torch.set_num_threads(run.threads)
    if kind == "cpu":
        keep_freed_memory()
    if run.deterministic:
        if kind == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", _CUBLAS)
            torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True)
        # Filling memory before it is written costs time, and nothing here reads such memory.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def stream_seed(seed: int, stream: str, rank: int = 0) -> int:
    """The seed of one of a run's streams of random numbers: 63 bits that have nothing to do with those of another."""
    text = f"codex-train seed v1|{seed}|{stream}|{rank}"
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def seed_steps(seed: int, rank: int) -> None:
    """Starts the stream that dropout draws from, on every device; each process has its own. Python's and numpy's global
    generators are started too: a model may draw from them, and they are part of what a checkpoint holds."""
    torch.manual_seed(stream_seed(seed, "step", rank))
    random.seed(stream_seed(seed, "python", rank))
    np.random.seed(stream_seed(seed, "numpy", rank) % 2**32)
