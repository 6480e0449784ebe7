"""The engine takes the steps that a loop written by hand takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.engine.runs import Bench, records

STILL = ("data.validation=0", "checkpoint.every=0")


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_losses_and_weights_are_those_of_a_hand_written_loop_to_the_bit(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    run = tmp_path / "run"
    ended = bench.job(parity=kind, config=bench.config(kind), overrides=STILL, folder=str(run))
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert [one.loss_hex for one in records(run)] == found["losses"]
    assert found["tensors"] > 10
    assert found["different"] == []
    assert found["learnt"]


def test_a_batch_in_two_parts_is_the_whole_batch_up_to_rounding(bench: Bench, tmp_path: Path) -> None:
    jobs = [
        {"command": bench.run_command(tmp_path / str(part), "llama", *STILL, f"run.micro_batch={part}")}
        for part in (4, 2, 1)
    ]
    assert [ended.code for ended in bench.together(jobs)] == [0, 0, 0]
    whole, *parts = (tmp_path / str(part) for part in (4, 2, 1))
    for run in parts:
        assert [one.samples for one in records(run)] == [one.samples for one in records(whole)]
        ours, theirs = ([one.loss for one in records(folder)] for folder in (run, whole))
        assert ours == pytest.approx(theirs, abs=2e-4)
        assert ours != theirs  # the parts were really computed one by one
        left, right = (
            load_file(folder / "checkpoints/step-000040/model.safetensors") for folder in (run, whole)
        )
        assert all(np.allclose(left[name], right[name], atol=2e-3) for name in right)
