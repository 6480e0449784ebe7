"""What a new segment takes over of the checkpoints that it finds, and what it refuses to go on from."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_evidence.errors import RunError
from codex_evidence.runs import examine_run, read_index, read_manifest, verify_run
from codex_train.recorder.recorder import Parent
from tests.recorder.made_up import CONFIG, forge, killed_run, make_run, never_named, opened, save, steps


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Steps 1 to 8, saved at 3 and 6."""
    return killed_run(tmp_path / "run")


def contents(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*"))


def entries(run: Path) -> list[tuple[int, str, bool]]:
    manifest, _ = read_manifest(run / "segments" / read_index(run).segments[-1])
    return [(entry.step, entry.segment, entry.kept) for entry in manifest.checkpoints]


@pytest.mark.parametrize("where", ["inside", "elsewhere"])
def test_a_checkpoint_that_the_run_did_not_make_is_refused_and_nothing_changes(
    where: str, run: Path, tmp_path: Path
) -> None:
    forged = forge(run, 5, 3)
    if where == "elsewhere":
        forged = forged.rename(tmp_path / forged.name)
    before = contents(run)
    with pytest.raises(RunError, match="the run cannot go on from"):
        opened(run, Parent(forged))
    assert contents(run) == before


def test_a_copy_of_a_listed_checkpoint_that_was_removed_can_be_gone_on_from(
    run: Path, tmp_path: Path
) -> None:
    shutil.move(run / "checkpoints/step-000003", tmp_path / "copy")
    recorder = opened(run, Parent(tmp_path / "copy"))
    assert recorder.parent is not None
    assert recorder.parent.checkpoint == "copy"
    recorder.abandon()


def test_a_forged_sibling_is_not_taken_over(run: Path) -> None:
    forge(run, 5, 3)
    recorder = opened(run, Parent(run / "checkpoints/step-000006"))
    assert "step-000005" in recorder.notes[0]
    assert entries(run) == [(3, "0000", True), (6, "0000", True)]
    recorder.removed(run / "checkpoints/step-000005")
    shutil.rmtree(run / "checkpoints/step-000005")
    steps(recorder, 7, 8)
    recorder.close("finished")
    assert verify_run(run) == ()


def test_a_damaged_sibling_is_no_obstacle_and_can_be_removed(run: Path) -> None:
    damaged = run / "checkpoints/step-000003"
    with (damaged / "checkpoint.json").open("ab") as file:
        file.write(b"x")
    recorder = opened(run, Parent(run / "checkpoints/step-000006"))
    (note,) = recorder.notes
    assert "step-000003" in note
    assert {finding.file for finding in verify_run(run)} == {"checkpoints/step-000003"}
    recorder.removed(damaged)
    shutil.rmtree(damaged)
    recorder.close("stopped")
    assert entries(run) == [(3, "0000", False), (6, "0000", True)]
    assert verify_run(run) == ()


@pytest.mark.parametrize("named", [(), ("config.optimizer.lr",)])
def test_a_difference_from_the_parent_must_be_a_named_override(named: tuple[str, ...], run: Path) -> None:
    other = {**CONFIG, "optimizer": {"lr": 0.1}, "evaluation": {"every": 7}}  # the second changes no bit
    recorder = opened(run, Parent(run / "checkpoints/step-000006", named), config=other)
    recorder.close("stopped")
    reasons = [finding.reason for finding in verify_run(run)]
    wanted = "it differs from segment 0000 in config.optimizer.lr, and names no such override"
    assert reasons == ([] if named else [wanted])


def test_a_refused_resume_leaves_no_segment(run: Path) -> None:
    (run / "checkpoints/step-000006/checkpoint.json").write_bytes(b"{")
    before = contents(run)
    for _ in range(2):
        with pytest.raises(Exception, match="step-000006"):
            opened(run, Parent(run / "checkpoints/step-000006"))
    assert contents(run) == before


def test_what_is_put_aside_gets_its_name_back_and_is_recorded_under_it(run: Path) -> None:
    folder = run / "checkpoints"
    (folder / "step-000006").rename(folder / "step-000006.old")
    (folder / "step-000006.tmp").mkdir()
    recorder = opened(run, Parent(folder / "step-000006.old"))
    assert sorted(path.name for path in folder.iterdir()) == ["step-000003", "step-000006"]
    assert recorder.parent is not None
    assert recorder.parent.checkpoint == "checkpoints/step-000006"
    recorder.removed(folder / "step-000003")
    shutil.rmtree(folder / "step-000003")
    steps(recorder, 7, 9)
    recorder.close("finished")
    assert verify_run(run) == ()


@pytest.mark.parametrize("ending", [".tmp", ".old"])
def test_what_nothing_reads_is_not_gone_on_from(ending: str, run: Path) -> None:
    left = run / f"checkpoints/step-000006{ending}"
    shutil.copytree(run / "checkpoints/step-000006", left)
    with pytest.raises(RunError, match="only step-000006 is read"):
        opened(run, Parent(left))
    assert left.is_dir()


def test_the_head_of_a_resumed_run_holds_the_checkpoints_that_it_found(run: Path, tmp_path: Path) -> None:
    opened(run, Parent(run / "checkpoints/step-000006")).abandon()
    assert entries(run) == [(3, "0000", True), (6, "0000", True)]
    shutil.rmtree(run / "checkpoints/step-000003")
    assert {finding.file for finding in verify_run(run)} == {"checkpoints/step-000003"}


def test_the_same_step_saved_again_is_recorded_once(run: Path) -> None:
    recorder = opened(run, Parent(run / "checkpoints/step-000003"))
    steps(recorder, 4, 6)
    shutil.rmtree(run / "checkpoints/step-000006")
    save(recorder, 6)
    recorder.close("stopped")
    assert entries(run) == [(3, "0000", True), (6, "0000", False), (6, "0001", True)]
    assert verify_run(run) == ()


def test_a_start_killed_while_it_takes_away_another_leaves_a_consistent_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    never_named(run)
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "import codex_train.recorder.opening as opening; from tests.recorder.made_up import Parent, opened\n"
        "def half(folder):\n"
        "    (Path(folder) / 'steps.ndjson').unlink(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "opening.shutil.rmtree = half\n"
        "run = Path(sys.argv[1]); opened(run, Parent(run / 'checkpoints/step-000008'))"
    )
    done = subprocess.run([sys.executable, "-c", code, run], check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert examine_run(run).findings == ()
    opened(run, Parent(run / "checkpoints/step-000008")).close("stopped")
    assert verify_run(run) == ()
