"""Replaying runs that were stopped, killed, and gone on with under other settings."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codex_evidence.errors import UsageError
from codex_evidence.run_documents import read_manifest
from codex_evidence.runs import verify_run
from codex_train.replay.history import between, read_history, recorded_steps
from codex_train.replay.replay import replay_stretches
from tests.replay.made import CONFIG, ROOT, command, replayed, trained

LONG = ("run.steps=100000", "schedule.kind=constant", "checkpoint.every=5", "evaluation.every=50")


def killed(folder: Path, signal_number: int) -> Path:
    """A run that was ended from outside some steps after its second checkpoint."""
    (folder / "a.txt").write_text("\n".join(f"Line {n} says {n * n % 89}." for n in range(400)))
    (folder / "tiny.yaml").write_text(CONFIG)
    words = [
        sys.executable,
        "-P",
        "-m",
        "codex_train",
        "run",
        "tiny.yaml",
        *LONG,
        "--folder",
        "run",
        "--format",
        "json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    steps = folder / "run" / "segments" / "0000" / "steps.ndjson"
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            deadline = time.monotonic() + 200
            while not steps.exists() or steps.read_bytes().count(b"\n") < 12:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.005)
            process.send_signal(signal_number)
            process.wait(60)
        finally:
            process.kill()
    return folder / "run"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_ended_is_identical_up_to_there(tmp_path: Path, signal_number: int) -> None:
    run = killed(tmp_path, signal_number)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["verdict"]) == (0, "identical"), answer
    (stretch,) = read_history(run)
    assert answer["steps"] == stretch.last >= 12
    assert answer["states"] >= 2


def test_after_a_resume_abandoned_steps_are_not_compared(tmp_path: Path) -> None:
    run = trained(tmp_path)
    done = command("resume", "run", "--format", "json", "--from", "8", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (stretch,) = read_history(run)
    assert [(piece.folder.name, piece.start, piece.last) for piece in stretch.pieces] == [
        ("0000", 0, 8),
        ("0001", 8, 12),
    ]
    assert [record.step for record in recorded_steps(stretch)] == list(range(1, 13))
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["steps"], answer["states"]) == (0, "identical", 12, 3)


def test_a_change_that_was_let_through_is_replayed_from_there(tmp_path: Path) -> None:
    run = trained(tmp_path)
    words = ("optimizer.lr=0.001", "--from", "8", "--accept", "config.optimizer.lr")
    done = command("resume", "run", *words, "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = read_history(run)
    assert (first.last, second.start, second.last) == (8, 8, 12)
    assert (first.ends, second.ends) == (False, True)
    assert (first.config.optimizer.lr, second.config.optimizer.lr) == (0.0003, 0.001)
    assert read_manifest(run / "segments" / "0001")[0].parent is not None
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["steps"], answer["states"]) == (0, "identical", 12, 3)


def test_a_part_can_be_replayed_from_its_recorded_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run = trained(tmp_path)
    history = read_history(run)
    answer = replay_stretches([between(history, 8, 11)], tmp_path / "scratch")
    assert (answer.verdict, answer.steps, answer.states) == ("identical", 3, 0), answer
    shutil.rmtree(run / "checkpoints" / "step-000008")
    with pytest.raises(UsageError, match="no checkpoint at step 8"):
        between(read_history(run), 8, 12)
    with pytest.raises(UsageError, match="not within one stretch"):
        between(history, 4, 13)
