"""``codex-audit run`` as a user and as a CI job meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.cli import audited, command, write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def one_line_error(code: int, *arguments: object) -> str:
    done = command(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("codex-audit: error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_run_prints_the_matrix_the_reports_and_the_head_and_nothing_on_stderr(tree: Path) -> None:
    done = command("run", tree)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("training", "status", "gap", "reports/capability_matrix_", "head "):
        assert word in done.stdout
    assert "\x1b" not in done.stdout


def test_the_tree_is_the_current_folder_unless_another_is_given(tree: Path) -> None:
    assert command("run", cwd=tree).returncode == 0
    assert command("verify", cwd=tree).returncode == 0


def test_json_is_one_document_that_says_what_the_artifacts_say(tree: Path) -> None:
    summary = audited(tree)
    scored = json.loads((tree / "audit_artifacts" / "capabilities_scored.json").read_bytes())
    assert summary["score"] == scored["score"]
    assert [item["id"] for item in summary["capabilities"]] == [item["id"] for item in scored["capabilities"]]
    assert all((tree / path).is_file() for path in summary["reports"].values())


def test_a_low_score_fails_only_when_a_limit_was_asked_for(tree: Path) -> None:
    assert command("run", tree, "--fail-under", "0").returncode == 0
    missed = command("run", tree, "--fail-under", "1")
    assert missed.returncode == 1
    assert "below --fail-under 1.0000" in missed.stderr
    assert command("verify", tree).returncode == 0


def test_a_limit_without_a_score_is_a_usage_error(tree: Path) -> None:
    assert "S4" in one_line_error(2, "run", tree, "--stage", "S2", "--fail-under", "0.5")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--jobs", "0"),
        ("--jobs", "many"),
        ("--fail-under", "70"),
        ("--fail-under", "nan"),
        ("--stage", "S8"),
        ("--format", "xml"),
        ("--nonsense",),
        ("--workflow", "/nonexistent/workflow.yaml"),
    ],
)
def test_a_wrong_option_is_one_line(tree: Path, arguments: tuple[str, ...]) -> None:
    one_line_error(2, "run", tree, *arguments)


def test_a_path_that_is_no_folder_is_one_line(tree: Path) -> None:
    assert "does not exist" in one_line_error(2, "run", tree / "absent")
    assert "is no folder" in one_line_error(2, "run", tree / "README.md")


def test_a_broken_workflow_stops_the_run_before_anything_is_written(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("weights:\n  test: 1\n")
    message = one_line_error(2, "run", tree)
    assert "workflow.yaml:2: unknown weight 'test'; did you mean 'tests'?" in message
    assert not (tree / "audit_artifacts").exists()


def test_a_disabled_probe_is_unknown_with_the_reason_given(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("disable:\n  training.loop: trained elsewhere\n")
    audited(tree)
    raw = json.loads((tree / "audit_artifacts" / "capabilities_raw.json").read_bytes())
    (answer,) = (
        probe for item in raw["capabilities"] for probe in item["probes"] if probe["id"] == "training.loop"
    )
    assert answer["verdict"] == "unknown"
    assert "trained elsewhere" in answer["reason"]


def test_the_user_is_told_of_reports_that_no_run_of_ours_wrote(tree: Path) -> None:
    name = "reports/capability_matrix_20200101T000000Z.md"
    output = tree.parent / "output"
    for folder in (tree, output):
        (folder / "reports").mkdir(parents=True)
    (output / name).write_text("of someone")
    assert any(
        f"{name} is no report of this run" in note for note in audited(tree, "--output", output)["notes"]
    )
    assert f"{name}: added" in command("verify", output).stdout
    (tree / name).write_text("part of the tree")
    assert not any(name in note for note in audited(tree)["notes"])
    assert command("verify", tree).returncode == 0


@pytest.mark.parametrize("arguments", [("",), (".", "--output", "")])
def test_an_empty_path_is_refused_and_nothing_is_written(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = command("run", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "the path is empty" in done.stderr
    assert list(tmp_path.iterdir()) == []
