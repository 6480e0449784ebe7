"""``codex-audit init``: settings to start from."""

from __future__ import annotations

from pathlib import Path

from tests.commands.cli import audited, command, write_tree


def test_the_written_settings_explain_themselves_and_change_nothing(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    before = audited(tree, "--output", tmp_path / "before")
    assert command("init", tree).returncode == 0
    text = (tree / "workflow.yaml").read_text()
    assert text.count("\n#") >= 5
    after = audited(tree, "--output", tmp_path / "after")
    assert after["score"] == before["score"]


def test_settings_that_are_there_are_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text("threshold: 0.5\n")
    refused = command("init", tmp_path)
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)
    assert (tmp_path / "workflow.yaml").read_text() == "threshold: 0.5\n"
    assert command("init", tmp_path, "--force").returncode == 0
    assert "0.70" in (tmp_path / "workflow.yaml").read_text()


def test_a_symlink_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "workflow.yaml").symlink_to(tmp_path / "outside")
    assert command("init", tree).returncode == 2
    assert command("init", tree, "--force").returncode == 0
    assert (tmp_path / "outside").read_text() == "mine"


def test_a_folder_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    assert command("init", tmp_path / "absent").returncode == 2
