"""A run that was killed and goes on ends in the same bits as one that was not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.runs import examine_run, read_index, verify_run
from tests.engine.runs import (
    KILLED,
    SAVE_AT,
    STEPS,
    Bench,
    alone,
    environment,
    final,
    manifests,
    records,
    taken,
    weights,
)

CASES = {
    "plain": ("llama",),
    "dropout": ("gpt2",),
    "an epoch of 15 steps": ("gpt2", "data.files=[fifteen.txt]", "data.validation=0"),
    "saved on the edge of an epoch": ("gpt2", "data.files=[twenty.txt]", "data.validation=0"),
    "accumulation": ("gpt2", "run.micro_batch=2"),
    "two workers": ("gpt2", "data.workers=2"),
    "noise": ("gpt2", "data.noise=0.15", "data.files=[fifteen.txt]", "data.validation=0"),
    "noise and two workers": (
        "gpt2", "data.noise=0.15", "data.workers=2", "data.files=[fifteen.txt]", "data.validation=0"
    ),
    "evaluation": ("gpt2", "evaluation.every=10"),
    "LoRA": ("gpt2", "lora.rank=4", "lora.dropout=0.1"),
    "bfloat16": ("gpt2", "run.precision=bfloat16"),
    "float16": ("gpt2", "run.precision=float16"),
    "weight decay and a schedule": (
        "llama", "optimizer.weight_decay=0.1", "schedule.kind=cosine", "schedule.warmup=25"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_killed_run_goes_on_to_the_same_bits(bench: Bench, tmp_path: Path, case: str) -> None:
    kind, *overrides = CASES[case]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    ended = bench.train(whole, kind, *overrides)
    assert ended.code == 0, ended.err
    assert bench.killed(killed, kind, *overrides).code == KILLED
    assert [manifest.status for manifest in manifests(killed)] == ["open"]
    ended = bench.resume(killed)
    assert ended.code == 0, ended.err
    _, second = manifests(killed)
    assert second.parent is not None
    assert (second.parent.step, second.parent.overrides) == (SAVE_AT, ())
    assert final(killed) == final(whole)
    assert taken(killed) == taken(whole, SAVE_AT + 1)
    assert len(taken(killed)) == STEPS - SAVE_AT
    assert verify_run(killed) == verify_run(whole) == ()


@pytest.mark.parametrize(
    ("case", "other"),
    [("dropout", "two workers"), ("noise", "noise and two workers"), ("dropout", "evaluation")],
)
def test_who_prepares_and_who_looks_on_does_not_matter(
    bench: Bench, tmp_path: Path, case: str, other: str
) -> None:
    jobs = [{"command": bench.run_command(tmp_path / name, *CASES[name])} for name in (case, other)]
    assert [ended.code for ended in bench.together(jobs)] == [0, 0]
    assert final(tmp_path / case) == final(tmp_path / other)


def test_the_cases_are_what_they_say(bench: Bench, tmp_path: Path) -> None:
    jobs = [
        {"command": bench.run_command(tmp_path / str(number), *CASES[case])}
        for number, case in enumerate(("an epoch of 15 steps", "saved on the edge of an epoch", "plain"))
    ]
    assert [ended.code for ended in bench.together(jobs)] == [0, 0, 0]
    fifteen, twenty, plain = (
        {one.step: one for one in records(tmp_path / str(number))} for number in range(3)
    )
    assert [fifteen[step].epoch for step in (15, 16, 30, 31)] == [0, 1, 1, 2]
    assert [twenty[step].epoch for step in (SAVE_AT, SAVE_AT + 1)] == [0, 1]
    assert fifteen[1].samples != fifteen[16].samples  # each epoch has an order of its own
    assert plain[STEPS].loss < plain[1].loss - 1
    ends = {final(tmp_path / str(number)) for number in range(3)}
    assert len(ends) == len(jobs)


def test_a_new_process_with_other_hashes_of_strings_ends_in_the_same_bits(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ("data.noise=0.15", "data.workers=2", "evaluation.every=10", "run.micro_batch=2")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert bench.train(whole, "gpt2", *overrides).code == 0
    assert bench.killed(killed, "gpt2", *overrides).code == KILLED
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    ended = alone("resume", killed, "--format", "json")
    assert ended.code == 0, ended.err
    assert final(killed) == final(whole)
    assert taken(killed) == taken(whole, SAVE_AT + 1)


def test_a_run_killed_before_its_first_checkpoint_starts_again_and_says_so(
    bench: Bench, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert bench.train(whole, "gpt2").code == 0
    assert bench.killed(killed, "gpt2", at=7).code == KILLED
    ended = bench.resume(killed)
    assert ended.code == 0, ended.err
    (note,) = json.loads(ended.out)["notes"]
    assert note == "no checkpoint was made before the run was stopped: it starts again at step 0"
    assert final(killed) == final(whole)
    assert taken(killed) == taken(whole)
    assert verify_run(killed) == ()


def test_a_run_killed_after_its_last_checkpoint_only_has_to_be_closed(bench: Bench, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert bench.train(whole).code == 0
    assert bench.killed(killed, at=STEPS).code == KILLED  # the last step is taken and not saved
    assert bench.resume(killed).code == 0
    assert final(killed) == final(whole)
    assert bench.resume(killed).code == 0  # from the last checkpoint, to the last step
    assert final(killed) == final(whole)
    assert verify_run(killed) == ()


def test_a_run_killed_again_and_again_ends_in_the_same_weights(bench: Bench, tmp_path: Path) -> None:
    draws = random.Random(4)  # noqa: S311 - moments, no secrets
    steps = ("run.steps=240", "data.noise=0.15", "evaluation.every=25", "evaluation.max_samples=8")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert bench.train(whole, "gpt2", *steps, "checkpoint.every=0").code == 0
    kills = 0
    for turn in range(20):
        begun = (killed / "run.json").exists()
        segment = f"{len(read_index(killed).segments) if begun else 0:04d}"
        log = killed / "segments" / segment / "steps.ndjson"
        # In every second turn while it starts, else in a step and, as it saves after each, in a save or tidying up.
        moment: dict[str, Any] = {"number": 9, "seconds": draws.uniform(0.02, 0.4)}
        if turn % 2:
            moment = {
                "number": 9,
                "file": str(log),
                "lines": draws.randint(1, 9),
                "later": draws.uniform(0, 0.03),
            }
        ended = (
            bench.resume(killed, signal=moment)
            if begun
            else bench.train(killed, "gpt2", *steps, "checkpoint.every=1", signal=moment)
        )
        assert ended.code in (0, KILLED), ended.err
        kills += ended.code == KILLED
        if (killed / "run.json").exists():
            assert verify_run(killed) == ()
    ended = bench.resume(killed)
    assert ended.code == 0, ended.err
    assert kills >= 15
    assert final(killed) == final(whole)
    assert weights(killed, 240) == weights(whole, 240)
    report = examine_run(killed)
    assert report.findings == ()
    assert report.steps == 240


def test_a_run_killed_before_it_had_an_index_begins_in_the_same_folder(bench: Bench, tmp_path: Path) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert bench.train(whole).code == 0
    left = run / "segments" / "0000.tmp"
    left.mkdir(parents=True)
    (left / "config.json").write_text("{")
    ended = bench.train(run)
    assert ended.code == 0, ended.err
    assert final(run) == final(whole)
    assert verify_run(run) == ()


@pytest.mark.parametrize(("name", "put_aside"), [("step-000040.tmp", True), ("step-000040.old", False)])
def test_a_run_killed_while_a_checkpoint_takes_the_place_of_another_goes_on(
    bench: Bench, tmp_path: Path, name: str, put_aside: bool
) -> None:
    run = tmp_path / "run"
    assert bench.train(run).code == 0
    whole = final(run)
    code = (
        "import os, sys; from pathlib import Path; rename = Path.rename\n"
        f"def killed(path, target):\n    if path.name == {name!r}: os.kill(os.getpid(), 9)\n"
        "    return rename(path, target)\n"
        "Path.rename = killed\n"
        "from codex_train.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-P", "-c", code, "resume", str(run), "--from", str(SAVE_AT)]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False)
    assert done.returncode == KILLED, done.stderr
    assert (run / "checkpoints/step-000040.old").is_dir()
    assert (run / "checkpoints/step-000040").is_dir() != put_aside
    assert verify_run(run) == ()
    ended = bench.resume(run)
    assert ended.code == 0, ended.err
    assert final(run) == whole
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-000020", "step-000040"]
    assert verify_run(run) == ()


def test_a_damaged_checkpoint_is_no_obstacle_to_a_resume_from_another(bench: Bench, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert bench.train(run, "llama", "checkpoint.every=10", "checkpoint.keep_last=0").code == 0
    whole = final(run)
    with (run / "checkpoints/step-000010/checkpoint.json").open("ab") as file:
        file.write(b"x")
    for _ in range(2):
        assert bench.resume(run, "--from", "10").code == 1
    assert len(manifests(run)) == 1
    ended = bench.resume(run, "--from", str(SAVE_AT))
    assert ended.code == 0, ended.err
    assert final(run) == whole
    assert {finding.file for finding in verify_run(run)} == {"checkpoints/step-000010"}
