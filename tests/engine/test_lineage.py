"""A run that went on from an earlier step has two lives, and a resume is of the one that is meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codex_evidence.runs import verify_run
from tests.engine.runs import KILLED, Bench, final, manifests, records

RATE = "config.optimizer.lr"
SLOWER = "optimizer.lr=1e-4"


@pytest.fixture(scope="module")
def finished(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps with a checkpoint after every fifth."""
    run = tmp_path_factory.mktemp("lineage") / "run"
    ended = bench.train(run, "gpt2", "run.steps=20", "checkpoint.every=5", "checkpoint.keep_last=0")
    assert ended.code == 0, ended.err
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def slower(bench: Bench, run: Path, *overrides: str, at: int) -> None:
    """A resume from step 10 at another rate that is killed after step ``at``."""
    options = {"overrides": [SLOWER, *overrides], "accept": [RATE]}
    ended = bench.job(resume=True, folder=str(run), checkpoint="10", options=options, kill_at=at)
    assert ended.code == KILLED, ended.err


@pytest.fixture(scope="module")
def slow(bench: Bench, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the resume from step 10 at another rate ends in."""
    run = shutil.copytree(finished, tmp_path_factory.mktemp("slow") / "run")
    ended = bench.resume(run, "--from", "10", SLOWER, "--accept", RATE)
    assert ended.code == 0, ended.err
    return final(run)


def test_an_earlier_checkpoint_goes_on_with_the_settings_that_made_it(
    bench: Bench, run: Path, finished: Path
) -> None:
    slower(bench, run, at=12)
    ended = bench.resume(run, "--from", "5")
    assert ended.code == 0, ended.err
    last = manifests(run)[-1]
    assert last.parent is not None
    assert (last.parent.segment, last.parent.overrides) == ("0000", ())
    assert {record.lr for record in records(run)} <= {record.lr for record in records(finished)}
    assert final(run) == final(finished)
    assert verify_run(run) == ()


@pytest.mark.parametrize(("at", "goes_on", "overrides"), [(17, 15, ()), (12, 10, (RATE,))])
def test_a_killed_resume_goes_on_itself_and_not_as_the_life_that_it_left(
    bench: Bench, run: Path, slow: tuple[str, str], at: int, goes_on: int, overrides: tuple[str, ...]
) -> None:
    slower(bench, run, at=at)
    assert (run / "checkpoints" / "step-000020").is_dir()
    ended = bench.resume(run)
    assert ended.code == 0, ended.err
    last = manifests(run)[-1]
    assert last.parent is not None
    assert (last.parent.step, last.parent.overrides) == (goes_on, overrides)
    assert final(run) == slow
    assert verify_run(run) == ()


def test_checkpoints_of_the_life_that_was_left_cost_none_of_its_successor(bench: Bench, run: Path) -> None:
    slower(bench, run, "checkpoint.keep_last=1", at=17)
    steps = sorted(int(path.name[-6:]) for path in (run / "checkpoints").iterdir())
    assert steps == [15, 20]
    assert verify_run(run) == ()


def test_data_that_was_let_through_once_is_refused_for_an_older_checkpoint(
    bench: Bench, run: Path, tmp_path: Path
) -> None:
    other = str(bench.base / "other.txt")
    ended = bench.resume(run, "--from", "10", f"data.files=[{other}]", "--accept", "data")
    assert ended.code == 0, ended.err
    ended = bench.resume(run, "--from", "5", f"data.files=[{other}]")
    assert ended.code == 2
    assert "data was" in ended.line
    assert len(manifests(run)) == 2


def test_a_latest_checkpoint_that_is_gone_is_not_replaced_by_another_lifes(bench: Bench, run: Path) -> None:
    slower(bench, run, at=12)
    shutil.rmtree(run / "checkpoints" / "step-000010")
    ended = bench.resume(run)
    assert ended.code == 2
    assert "no longer holds checkpoints/step-000010, from which segment 0001 went on" in ended.line
