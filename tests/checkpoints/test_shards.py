"""Two processes that share a model (FSDP2) save together, go on together, and fail together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from codex_train.checkpoints.read import load_weights, read_checkpoint
from codex_train.checkpoints.verify import verify_checkpoint
from tests.checkpoints import making
from tests.ports import meeting_port

ROOT = Path(__file__).resolve().parents[2]


def together(folder: Path, steps: int, resume: str = "", limited: int = -1) -> list[str]:
    """What each of two processes printed."""
    port = meeting_port()
    shared = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    command = [sys.executable, "-m", making.__name__, "shard", str(folder), str(steps), resume, str(limited)]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **shared, "MASTER_PORT": str(port), "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said: list[str] = []
    for process in processes:
        out, wrong = process.communicate(timeout=120)
        assert process.returncode == 0, wrong
        said.append(out.strip())
    return said


def test_two_processes_go_on_to_the_bit_from_their_shards(tmp_path: Path) -> None:
    whole = together(tmp_path / "whole", 6)
    resumed = together(tmp_path / "parts", 6, str(tmp_path / "whole" / "step-000003"))
    assert [said.split()[-1] for said in resumed] == [said.split()[-1] for said in whole]
    assert len(set(whole)) == len(set(resumed)) == 1
    folder = tmp_path / "parts" / "step-000006"
    assert sorted(path.name for path in (folder / "training").iterdir()) == [
        "optimizer-00000.safetensors",
        "optimizer-00001.safetensors",
        "rng-00000.safetensors",
        "rng-00001.safetensors",
        "state.json",
    ]
    assert load_weights(folder)["0.weight"].shape == (10, 6)  # whole, for whoever loads the model
    moments = [read_checkpoint(folder, rank=rank, world=2).optimizer for rank in range(2)]
    assert [state.tensors["0.weight/exp_avg"].shape for state in moments] == [(5, 6), (5, 6)]
    assert moments[0].document["shards"]["0.weight"]["shape"] == [10, 6]
    for alone in (read_checkpoint(folder), read_checkpoint(folder, rank=1, world=2, sharded=False)):
        assert alone.optimizer.document["shards"] == {}
        for place, tensor in alone.optimizer.tensors.items():
            parts = [state.tensors[place] for state in moments]
            assert torch.equal(tensor, parts[0] if place.endswith("/step") else torch.cat(parts))
        assert alone.optimizer.tensors["0.weight/exp_avg"].shape == (10, 6)
    assert not read_checkpoint(folder, rank=2, world=3).rng


@pytest.mark.parametrize("limited", [0, 1])
def test_when_one_process_cannot_write_both_say_so_and_nothing_is_left(limited: int, tmp_path: Path) -> None:
    said = [lines.splitlines() for lines in together(tmp_path, 3, limited=limited)]
    assert all(lines[0].startswith("cannot write") and lines[0].endswith("(0 left)") for lines in said)
    assert "File too large" in said[limited][0]
    assert "another process" in said[1 - limited][0]
    verify_checkpoint(tmp_path / "step-000003")  # of the second try, with room
