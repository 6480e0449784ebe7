"""`codex-audit verify RUN`: every byte of a run folder is vouched for."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_evidence.canonical import canonical_bytes
from codex_evidence.runs import examine_run, verify_run
from tests.recorder.made_up import make_run, opened, save, steps

FILES = (
    "run.json",
    *(f"segments/{segment}/{name}" for segment in ("0000", "0001") for name in (
        "manifest.json", "config.json", "data.json", "model.json", "environment.json", "steps.ndjson", "metrics.ndjson")),
    "segments/0000/source.patch",
    "segments/0001/loss.svg",
    *(f"checkpoints/{step}/{name}" for step in ("step-000005", "step-000008") for name in (
        "checkpoint.json", "config.json", "model.safetensors", "training/optimizer.safetensors", "training/state.json")),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, not to be changed."""
    return make_run(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def places(run: Path) -> set[str]:
    return {finding.file for finding in verify_run(run)}


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codex_audit", "verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_with_a_kill_and_a_resume_is_consistent(made: Path) -> None:
    report = examine_run(made)
    assert report.findings == ()
    assert (report.name, report.steps) == ("made-up", 10)
    assert "segment 0000 was not closed" in report.notes[0]


def test_the_list_of_files_below_is_that_of_the_run(made: Path) -> None:
    assert {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_is_found(name: str, run: Path) -> None:
    path = run / name
    whole = path.read_bytes()
    chosen = random.Random(name)  # noqa: S311 - places, not secrets
    for position in (0, len(whole) - 1, *(chosen.randrange(len(whole)) for _ in range(4))):
        changed = bytearray(whole)
        changed[position] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        assert verify_run(run), f"bit flip at byte {position}"
    path.write_bytes(whole)
    assert verify_run(run) == ()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_an_empty_and_a_linked_file_are_found(name: str, run: Path) -> None:
    path = run / name
    whole = path.read_bytes()
    path.write_bytes(b"")
    assert verify_run(run)
    path.unlink()
    assert verify_run(run)
    (run.parent / "elsewhere").write_bytes(whole)
    path.symlink_to(run.parent / "elsewhere")
    assert verify_run(run)


@pytest.mark.parametrize(
    "name",
    ["extra.txt", "segments/extra", "segments/0001/extra.pt", "checkpoints/extra", "checkpoints/step-000008/extra.pt",
     "segments/0001/.hidden", "checkpoints/step-000008/training/extra", "checkpoints/step-000009", ".codex-write-x",
     "segments/0001/.codex-write-0011223344556677", "segments/0000/.codex-write-0011223344556677",
     "segments/0000/system.ndjson", "segments/0002.tmp"],
)  # fmt: skip
def test_a_file_that_nobody_vouches_for_is_named(name: str, run: Path) -> None:
    (run / name).write_bytes(b"x")
    found = verify_run(run)
    assert any(name.rpartition("/")[2] in finding.file + finding.reason for finding in found)


def test_what_a_killed_process_leaves_is_noted_and_not_believed(run: Path) -> None:
    (run / "checkpoints/step-000010.tmp").mkdir()
    (run / "checkpoints/step-000010.tmp/model.safetensors").write_bytes(b"half")
    (run / "segments/0002.tmp").mkdir()
    (run / "segments/0002.tmp/.codex-write-0011223344556677").write_bytes(b"half")
    (run / ".codex-write-0011223344556677").write_bytes(b"half")
    report = examine_run(run)
    assert report.findings == ()
    assert len(report.notes) == 5


def test_a_removed_checkpoint_must_have_been_recorded_as_removed(run: Path) -> None:
    shutil.rmtree(run / "checkpoints/step-000008")
    assert "checkpoints/step-000008" in places(run)


def test_a_checkpoint_put_in_the_place_of_another_is_found(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other")
    shutil.rmtree(run / "checkpoints/step-000008")
    shutil.copytree(other / "checkpoints/step-000008", run / "checkpoints/step-000008")
    assert "checkpoints/step-000008" in places(run)


def test_a_step_log_of_another_run_is_found(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other")
    shutil.copyfile(other / "segments/0001/steps.ndjson", run / "segments/0001/steps.ndjson")
    assert "segments/0001/steps.ndjson" in places(run)


@pytest.mark.parametrize("segment", ["0000", "0001"])
def test_lines_dropped_at_the_end_are_found(segment: str, run: Path) -> None:
    path = run / f"segments/{segment}/steps.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert f"segments/{segment}/steps.ndjson" in places(run)


def test_a_segment_left_out_of_the_index_is_found(run: Path) -> None:
    index = json.loads((run / "run.json").read_bytes())
    (run / "run.json").write_bytes(canonical_bytes({**index, "segments": ["0000"]}))
    assert verify_run(run)
    (run / "run.json").write_bytes(canonical_bytes({**index, "segments": ["0001"]}))
    assert verify_run(run)


def test_a_segment_name_that_leads_outside_is_refused(run: Path) -> None:
    index = json.loads((run / "run.json").read_bytes())
    (run / "run.json").write_bytes(canonical_bytes({**index, "segments": ["../x"]}))
    assert places(run) == {"run.json"}


def test_a_killed_run_without_a_successor_is_consistent_and_says_so(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 3)
    save(recorder, 3)
    steps(recorder, 4, 5)
    recorder.abandon()
    log = tmp_path / "run/segments/0000/steps.ndjson"
    log.write_bytes(log.read_bytes()[:-30])  # as a power failure may leave it
    report = examine_run(tmp_path / "run")
    assert report.findings == ()
    assert "nothing vouches for its last line" in report.notes[0]
    log.write_bytes(log.read_bytes().replace(b'"epoch":0', b'"epoch":1', 1))
    assert places(tmp_path / "run") >= {"segments/0000/steps.ndjson"}


@pytest.mark.parametrize("name", ["run.json", "segments/0000/manifest.json", "segments/0001/steps.ndjson"])
def test_hostile_files_give_findings_and_no_error(name: str, run: Path) -> None:
    for data in (
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":1,"a":2}',
        b'{"schema":NaN}',
        b"\x00" * 5000,
        b"{}",
        b"null",
    ):
        (run / name).write_bytes(data)
        assert verify_run(run)
    (run / name).unlink()
    os.mkfifo(run / name)
    assert verify_run(run)


def edit_reason(run: Path) -> None:
    path = run / "segments/0001/manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"finished"', b'"stopped"'))


def test_the_command_says_consistent_and_names_the_weakest_link(made: Path) -> None:
    done = command(made)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CONSISTENT: the run 'made-up' is consistent over 10 steps, unsigned\n")
    assert "weakest link: unsigned: whoever can write the folder can recompute every digest" in done.stdout


@pytest.mark.parametrize("damage", [edit_reason, lambda run: (run / "segments/0000/config.json").unlink()])
def test_the_command_says_invalid_and_where(damage: Callable[[Path], None], run: Path) -> None:
    damage(run)
    done = command(run, "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"], told["exit_code"]) == (1, "INVALID", 1)
    assert told["findings"]


def test_the_command_refuses_another_head_than_the_expected(made: Path) -> None:
    head = examine_run(made).head
    assert command(made, "--expect-head", head).returncode == 0
    assert command(made, "--expect-head", "0" * 64).returncode == 1


def test_the_command_refuses_options_of_audits(made: Path) -> None:
    done = command(made, "--rerun")
    assert done.returncode == 2
    assert "--rerun is for audits" in done.stderr


def test_the_auditor_loads_no_torch_for_a_run(made: Path) -> None:
    code = (
        "import sys; from codex_audit.main import main; main(['verify', sys.argv[1]]); "
        "print(*(name for name in ('torch', 'numpy', 'codex_train') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, made], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
