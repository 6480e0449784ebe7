"""Which checkpoints a run vouches for, and what killed processes may leave beside them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from codex_evidence.run_documents import CheckpointEntry, read_manifest
from codex_evidence.runs import examine_run, verify_run
from codex_train.recorder.recorder import Parent
from tests.recorder.made_up import (
    forge,
    killed_run,
    make_run,
    never_named,
    opened,
    reseal,
    save,
    steps,
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was killed."""
    return killed_run(tmp_path / "run")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A run that was killed, resumed and finished."""
    return make_run(tmp_path / "made")


def places(run: Path) -> set[str]:
    return {finding.file for finding in verify_run(run)}


def unlist(run: Path, step: int) -> None:
    """As if the process had been killed before it could list the checkpoint."""
    manifest, _ = read_manifest(run / "segments/0000")
    reseal(run / "segments/0000", checkpoints=tuple(one for one in manifest.checkpoints if one.step != step))


@pytest.mark.parametrize("step", [1, 5, 7])
def test_a_checkpoint_that_was_never_made_is_found_in_a_killed_run(step: int, run: Path) -> None:
    assert verify_run(run) == ()
    forge(run, step, 3)
    assert f"checkpoints/step-{step:06d}" in places(run)


@pytest.mark.parametrize("step", [5, 6])
def test_listing_a_forged_checkpoint_in_the_open_manifest_does_not_help(step: int, run: Path) -> None:
    forge(run, step, 3)
    manifest, _ = read_manifest(run / "segments/0000")
    digest, state = fingerprint(run / f"checkpoints/step-{step:06d}")
    entry = CheckpointEntry(step, f"checkpoints/step-{step:06d}", "0000", digest, state, kept=True)
    others = tuple(one for one in manifest.checkpoints if one.step != step)
    reseal(run / "segments/0000", checkpoints=(*others, entry))
    assert "segments/0000/steps.ndjson" in places(run)


def fingerprint(folder: Path) -> tuple[str, str]:
    from codex_evidence.checkpoint_manifest import manifest_sha256, read_manifest

    saved = read_manifest(folder)
    return manifest_sha256(saved), saved.state_digest


def test_a_listed_checkpoint_taken_out_of_the_open_manifest_is_found(run: Path) -> None:
    unlist(run, 6)
    assert places(run) == {"checkpoints/step-000006", "segments/0000/steps.ndjson"}


def test_a_run_killed_before_it_listed_its_last_checkpoint_is_consistent_and_says_so(run: Path) -> None:
    log = run / "segments/0000/steps.ndjson"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:6]))
    unlist(run, 6)
    report = examine_run(run)
    assert report.findings == ()
    assert any("step-000006 was saved just before its process was killed" in note for note in report.notes)
    log.write_bytes(b"".join(lines[:6]) + lines[6][:-20])  # the next step was taken, so it was listed
    assert "checkpoints/step-000006" in places(run)


def test_a_later_segment_vouches_for_what_it_found_and_for_nothing_else(run: Path) -> None:
    log = run / "segments/0000/steps.ndjson"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:6]))
    unlist(run, 6)
    before = run.with_name("before")
    shutil.copytree(run, before)
    opened(run, Parent(run / "checkpoints/step-000003")).abandon()
    report = examine_run(run)
    assert report.findings == ()
    assert not any("nothing vouches for its state" in note for note in report.notes)
    forge(before, 6, 3)  # at the only place where it could not be told
    assert verify_run(before) == ()
    opened(before, Parent(before / "checkpoints/step-000003")).abandon()
    shutil.rmtree(run / "checkpoints/step-000006")
    shutil.copytree(before / "checkpoints/step-000006", run / "checkpoints/step-000006")
    assert "checkpoints/step-000006" in places(run)


def test_a_checkpoint_put_aside_counts_under_its_name(made: Path) -> None:
    folder = made / "checkpoints"
    (folder / "step-000008").rename(folder / "step-000008.old")
    report = examine_run(made)
    assert report.findings == ()
    assert any("step-000008.old was put aside" in note for note in report.notes)
    (folder / "step-000008.old/config.json").unlink()
    assert "checkpoints/step-000008.old" in places(made)


def test_one_whose_successor_is_there_is_noted_and_not_read(made: Path) -> None:
    folder = made / "checkpoints/step-000008.old"
    shutil.copytree(made / "checkpoints/step-000008", folder)
    (folder / "config.json").unlink()
    report = examine_run(made)
    assert report.findings == ()
    assert any("step-000008.old was left" in note for note in report.notes)


@pytest.mark.parametrize(
    "name", ["x.tmp", "step-1.tmp", "step-0000012.old", "best", "step-000009.new", ".tmp"]
)
def test_a_folder_that_no_process_leaves_is_found(name: str, made: Path) -> None:
    shutil.copytree(made / "checkpoints/step-000008", made / "checkpoints" / name)
    assert f"checkpoints/{name}" in places(made)


def test_a_link_with_the_name_of_what_is_left_over_is_found(made: Path, tmp_path: Path) -> None:
    (made / "checkpoints/step-000010.tmp").symlink_to(tmp_path)
    (made / "segments/0002.tmp").symlink_to(tmp_path)
    assert places(made) >= {"checkpoints/step-000010.tmp", "segments/0002.tmp"}


@pytest.mark.parametrize("name", ["x.pt", "sub", ".hidden", "system.ndjson", ".codex-write-0011223344556677"])
def test_a_segment_that_never_began_holds_no_other_file(name: str, made: Path) -> None:
    folder = never_named(made)
    report = examine_run(made)
    assert report.findings == ()
    assert any("segments/0002" in note for note in report.notes)
    (folder / name).write_bytes(b"x")
    assert places(made) == {f"segments/0002/{name}"}


@pytest.mark.parametrize("name", ["config.json", "steps.ndjson", "metrics.ndjson", "manifest.json"])
def test_a_segment_that_never_began_holds_what_it_was_to_begin_with(name: str, made: Path) -> None:
    path = never_named(made) / name
    path.write_bytes(path.read_bytes() + b"{}\n")
    assert verify_run(made)
    path.unlink()
    assert verify_run(made)


@pytest.mark.parametrize("name", ["x.pt", "config.json/x"])
def test_a_segment_that_was_being_made_holds_no_other_file(name: str, made: Path) -> None:
    path = made / "segments/0002.tmp" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert verify_run(made)


def test_only_the_next_segment_can_have_been_begun(made: Path) -> None:
    for name in ("0001.tmp", "0003.tmp", "0003"):
        (made / "segments" / name).mkdir()
    assert places(made) == {"segments/0001.tmp", "segments/0003.tmp", "segments/0003"}


def test_the_final_state_is_that_of_the_last_checkpoint(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 3)
    save(recorder, 3)
    manifest = recorder.close("finished")
    assert verify_run(tmp_path / "run") == ()
    for other in ("0" * 64, ""):
        reseal(recorder.folder, final_state_digest=other)
        assert places(tmp_path / "run") == {"segments/0000/manifest.json"}
    reseal(recorder.folder, final_state_digest=manifest.final_state_digest)
    assert verify_run(tmp_path / "run") == ()


def test_a_final_state_that_was_not_saved_is_noted_and_an_open_segment_has_none(
    tmp_path: Path, run: Path
) -> None:
    recorder = opened(tmp_path / "other")
    steps(recorder, 1, 2)
    recorder.close("finished", final_state_digest="0" * 64)
    report = examine_run(tmp_path / "other")
    assert report.findings == ()
    assert "only a replay can confirm it" in report.notes[0]
    reseal(run / "segments/0000", final_state_digest="0" * 64)
    assert places(run) == {"segments/0000/manifest.json"}


def test_a_parent_that_no_segment_lists_is_found(made: Path) -> None:
    manifest, _ = read_manifest(made / "segments/0001")
    assert manifest.parent is not None
    parent = replace(manifest.parent, checkpoint_sha256="0" * 64)
    reseal(made / "segments/0001", parent=parent)
    assert any("no segment lists the checkpoint" in finding.reason for finding in verify_run(made))


def test_system_figures_can_be_added_to_a_killed_segment_only_until_another_follows(run: Path) -> None:
    extra = run / "segments/0000/system.ndjson"
    extra.write_bytes(b"")
    report = examine_run(run)
    assert report.findings == ()
    assert "nothing vouches for its last line, its metrics or its system figures" in report.notes[0]
    extra.unlink()
    opened(run, Parent(run / "checkpoints/step-000006")).abandon()
    extra.write_bytes(b"")
    assert places(run) == {"segments/0000/system.ndjson"}
