"""The processes of a sweep: each job tried, each end told, signals passed on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

import codex_train
from codex_evidence.errors import WriteError
from codex_train.config.sweep import Job, sweep_jobs
from codex_train.launch import Ended, run_jobs

ROOT = Path(codex_train.__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def found_by_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def started(tmp_path: Path, begin: list[int], signalled: int = 0) -> tuple[Ended, ...]:
    """Two jobs that their own command refuses."""
    path = tmp_path / "a.yaml"
    path.write_text("data: {files: [corpus.txt]}\n")

    def told(job: Job) -> None:
        begin.append(job.number)
        if signalled:
            os.kill(os.getpid(), signalled)

    return run_jobs(
        sweep_jobs(["run.batch=0,-1"]), path, tmp_path / "sweep", told, sys.__stdout__ or sys.stdout
    )


def test_a_failed_job_does_not_stop_the_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun: list[int] = []
    ended = started(tmp_path, begun)
    assert begun == [0, 1]
    assert [(one.exit_code, one.status, one.steps, one.loss) for one in ended] == [
        (2, "failed (2)", None, None)
    ] * 2
    assert [one.folder for one in ended] == [tmp_path / "sweep" / "0", tmp_path / "sweep" / "1"]
    said = capfd.readouterr().err
    assert "run.batch=0: run.batch must be" in said
    assert "run.batch=-1: run.batch must be" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_after_a_signal_no_other_job_begins_and_its_handler_is_back(tmp_path: Path, number: int) -> None:
    former = signal.getsignal(number)
    begun: list[int] = []
    first, second = started(tmp_path, begun, number)
    assert begun == [0]
    assert first.exit_code != 0
    assert (second.exit_code, second.status) == (None, "interrupted")
    assert signal.getsignal(number) is former


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "sweep").write_text("")
    with pytest.raises(WriteError, match="cannot make the folder"):
        started(tmp_path, [])


def test_a_job_that_left_a_manifest_is_shown_with_its_steps_and_loss(tmp_path: Path) -> None:
    segment = tmp_path / "sweep" / "0" / "segments" / "0000"
    segment.mkdir(parents=True)
    (segment / "manifest.json").write_text('{"status":"stopped","steps":{"last":7}}')
    (segment / "metrics.ndjson").write_text('{"loss":3.5,"step":5}\n{"loss":2.5,"step":7}\n')
    damaged = tmp_path / "sweep" / "1" / "segments" / "0000"
    damaged.mkdir(parents=True)
    (damaged / "manifest.json").write_text("{")
    first, second = started(tmp_path, [])
    assert (first.status, first.steps, first.loss) == ("stopped", 7, 2.5)
    assert (second.status, second.steps, second.loss) == ("failed (2)", None, None)
