"""What a run leaves on disk, what it takes away, and what is left when it cannot finish."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from multiprocessing import get_context
from pathlib import Path

import pytest

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.stages.pipeline import run_stages
from codex_audit.stages.request import Request
from codex_audit.stages.writing import check_output
from codex_audit.workflow.settings import defaults
from codex_evidence.errors import CodexError
from codex_evidence.schemas import validate
from tests.commands.cli import ARTIFACTS, MANIFEST, audited, command, edit_json, snapshot, write_tree

RECORD = "audit_artifacts/audit_run_record.json"
MARKER = "audit_artifacts/.run_in_progress.json"
OLD, NEW = {"SOURCE_DATE_EPOCH": "1000000000"}, {"SOURCE_DATE_EPOCH": "1000000001"}
SUFFIXES = ("md", "json", "html", "sarif")
OLD_REPORTS = {f"reports/capability_matrix_20010909T014640Z.{suffix}" for suffix in SUFFIXES}
NEW_REPORTS = {f"reports/capability_matrix_20010909T014641Z.{suffix}" for suffix in SUFFIXES}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def written(output: Path) -> set[str]:
    return {path for path in snapshot(output) if path.split("/")[0] in ("audit_artifacts", "reports")}


def artifacts(*names: str) -> set[str]:
    return {f"audit_artifacts/{name}.json" for name in names}


def test_a_run_leaves_artifacts_reports_record_and_manifest_that_follow_their_schemas(tree: Path) -> None:
    audited(tree, env=OLD)
    assert written(tree) == artifacts(*ARTIFACTS) | OLD_REPORTS | {RECORD, MANIFEST}
    for name in (*ARTIFACTS, "audit_run_manifest", "audit_run_record"):
        validate(json.loads((tree / "audit_artifacts" / f"{name}.json").read_bytes()), name, source=name)


def test_nothing_is_written_in_the_tree_when_the_output_is_elsewhere(tree: Path, tmp_path: Path) -> None:
    before = snapshot(tree)
    audited(tree, "--output", tmp_path / "new" / "output")
    assert snapshot(tree) == before
    assert written(tmp_path / "new" / "output")


def test_a_run_replaces_its_own_former_reports_and_no_others(tree: Path) -> None:
    (tree / "reports").mkdir()
    kept = {"reports/notes.md": b"mine", "reports/capability_matrix_20000101T000000Z.md": b"also mine"}
    for path, data in kept.items():
        (tree / path).write_bytes(data)
    audited(tree, env=OLD)
    audited(tree, env=NEW)
    reports = {path for path in written(tree) if path.startswith("reports/")}
    assert reports == NEW_REPORTS | kept.keys()
    assert all((tree / path).read_bytes() == data for path, data in kept.items())
    assert command("verify", tree).returncode == 0


def test_a_forged_record_removes_nothing_but_what_is_named_like_a_report(tree: Path, tmp_path: Path) -> None:
    audited(tree, env=OLD)
    (tmp_path / "capability_matrix_20000101T000000Z.md").write_text("outside")
    (tree / "reports" / "capability_matrix_20000101T000000Z.py").write_text("code")
    paths = (
        "README.md",
        "pkg/train.py",
        "reports/../README.md",
        "../capability_matrix_20000101T000000Z.md",
        "reports/../../capability_matrix_20000101T000000Z.md",
        "reports/capability_matrix_20000101T000000Z.py",
    )
    edit_json(
        tree / RECORD, lambda record: record.update(reports={f"report:x{i}": p for i, p in enumerate(paths)})
    )
    before = snapshot(tmp_path)
    audited(tree, env=NEW)
    gone = before.keys() - snapshot(tmp_path).keys()
    assert gone == set()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"reports": 3}', b'{"reports": {"a": 3}}', b"\xff" * 10])
def test_a_damaged_record_does_not_stop_a_run(tree: Path, data: bytes) -> None:
    audited(tree, env=OLD)
    (tree / RECORD).write_bytes(data)
    audited(tree, env=NEW)
    assert written(tree) > NEW_REPORTS


@pytest.mark.parametrize(("stage", "kept"), [("S1", 1), ("S4", 4), ("S6", 5)])
def test_a_run_that_ends_early_leaves_nothing_of_a_former_run_beside_it(
    tree: Path, stage: str, kept: int
) -> None:
    audited(tree, env=OLD)
    summary = audited(tree, "--stage", stage, env=NEW)
    reports = NEW_REPORTS if stage == "S6" else set()
    assert written(tree) == artifacts(*ARTIFACTS[:kept]) | {RECORD} | reports
    assert summary["head"] is None
    done = command("verify", tree)
    assert (done.returncode, "codex-audit run" in done.stderr) == (2, True)


def test_a_full_run_after_a_partial_one_gives_what_it_gives_without(tree: Path, tmp_path: Path) -> None:
    expected = audited(tree, "--output", tmp_path / "elsewhere")["head"]
    audited(tree, "--stage", "S4")
    assert audited(tree)["head"] == expected


def test_stages_in_the_workflow_end_a_run_as_the_option_does(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("stages: [S1, S2, S3]\n")
    assert audited(tree)["stage"] == "S3"
    assert audited(tree, "--stage", "S7")["head"]


def cut_off() -> None:
    """Lets no file of this process grow beyond a few kilobytes, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


def test_a_run_that_cannot_finish_is_called_interrupted_and_the_next_one_heals_it(tree: Path) -> None:
    audited(tree, env=OLD)
    broken = command("run", tree, env=NEW, before=cut_off)
    assert broken.returncode == 2
    assert broken.stderr.count("\n") == 1
    validate(json.loads((tree / MARKER).read_bytes()), "run_in_progress")
    found = command("verify", tree)
    assert found.returncode == 4
    assert "interrupted run, run again" in found.stdout
    audited(tree, env={"SOURCE_DATE_EPOCH": "1000000002"})
    assert command("verify", tree).returncode == 0
    assert not any("20010909T01464" in path and "42Z" not in path for path in written(tree))


def test_files_that_a_killed_writer_left_are_removed_by_the_next_run(tree: Path) -> None:
    audited(tree)
    left = tree / "audit_artifacts" / ".codex-write-0123456789abcdef"
    left.write_text("half")
    head = audited(tree)["head"]
    assert not left.exists()
    assert audited(tree)["head"] == head


def test_a_file_that_changes_between_listing_and_reading_is_noticed(tree: Path) -> None:
    def tell(stage: str) -> None:
        if stage == "S2":
            (tree / "pkg" / "train.py").write_text("changed = True\n")

    workflow = defaults()
    with pytest.raises(CodexError, match=r"pkg/train\.py.*run the audit again") as caught:
        run_stages(Request(tree, tree, workflow, lambda: CATALOGUE), "S7", tell)
    assert caught.value.exit_code == 4


def output_error(tree: Path, output: Path) -> str:
    done = command("run", tree, "--output", output)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    return done.stderr


def test_an_output_that_cannot_be_used_is_named_before_any_work(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "is no folder" in output_error(tree, tmp_path / "file")
    assert str(tmp_path / "file") in output_error(tree, tmp_path / "file" / "below")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "audit_artifacts").symlink_to(tree)
    assert "symlink" in output_error(tree, tmp_path / "linked")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "reports").write_text("x")
    assert "reports is no folder" in output_error(tree, tmp_path / "taken")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert "symlink to nothing" in output_error(tree, tmp_path / "dangling")


def become_nobody() -> None:
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def refusal_of(output: Path) -> str:
    try:
        check_output(output)
    except CodexError as error:
        return f"{error.exit_code} {error}"
    return ""


def test_an_output_without_permission_is_named() -> None:
    # Another process, as the super-user may write anywhere; another folder, as those of pytest are private.
    with tempfile.TemporaryDirectory() as folder, get_context("fork").Pool(1, become_nobody) as other:
        closed = Path(folder) / "closed"
        closed.mkdir(mode=0o555)
        Path(folder).chmod(0o755)
        message = other.apply(refusal_of, (closed / "new" / "folder",))
    assert message.startswith("2 ")
    assert f"{closed} is not writable" in message


@pytest.mark.parametrize("value", ["", "tomorrow", "-1", "1e3", "1" * 30, "٣"])
def test_a_source_date_that_is_none_is_a_usage_error(tree: Path, value: str) -> None:
    done = command("run", tree, env={"SOURCE_DATE_EPOCH": value})
    assert (done.returncode, "SOURCE_DATE_EPOCH" in done.stderr) == (2, True)
    assert written(tree) == set()
