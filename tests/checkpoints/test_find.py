"""Checkpoints are found by step number, never by time, and nothing unfinished is among them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_evidence.errors import UsageError
from codex_train.checkpoints.find import checkpoints, named
from codex_train.checkpoints.folders import remove_checkpoint
from codex_train.checkpoints.write import write_checkpoint
from tests.checkpoints.making import make_state


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (2, 10, 1):
        write_checkpoint(tmp_path / "checkpoints", make_state(step))
    return tmp_path


def test_they_stand_in_the_order_of_their_steps(run: Path) -> None:
    os.utime(run / "checkpoints" / "step-000010", (0, 0))
    assert list(checkpoints(run / "checkpoints")) == [1, 2, 10]


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert checkpoints(tmp_path / "checkpoints") == {}


def test_unfinished_ones_links_and_strangers_do_not_count(run: Path) -> None:
    folder = run / "checkpoints"
    for name in ("step-000099.tmp", "step-99", "step-0000099", "best", "step-000050.part"):
        (folder / name).mkdir()
    (folder / "step-000098").symlink_to(folder / "step-000010")
    (folder / "step-000097").write_text("no folder")
    assert list(checkpoints(folder)) == [1, 2, 10]


def test_one_put_aside_counts_until_its_successor_is_there(run: Path) -> None:
    folder = run / "checkpoints"
    (folder / "step-000010").rename(folder / "step-000010.old")
    assert checkpoints(folder)[10] == folder / "step-000010.old"
    write_checkpoint(folder, make_state(1))  # tidies up
    assert checkpoints(folder)[10] == folder / "step-000010"


@pytest.mark.parametrize("wanted", ["2", "step-000002", "PATH"])
def test_a_step_a_name_or_a_path_names_a_checkpoint(wanted: str, run: Path) -> None:
    path = run / "checkpoints" / "step-000002"
    assert named(run, str(path) if wanted == "PATH" else wanted) == path


@pytest.mark.parametrize("wanted", ["7", "step-000007", "", "../..", "\u0661"])
def test_what_is_not_there_is_refused_with_a_list(wanted: str, run: Path) -> None:
    with pytest.raises(UsageError, match="step-000001, step-000002, step-000010"):
        named(run, wanted)


def test_a_removed_checkpoint_is_gone(run: Path) -> None:
    remove_checkpoint(run / "checkpoints" / "step-000010")
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-000001", "step-000002"]
