from __future__ import annotations

import json
import os
from pathlib import Path

from tests.commands.cli import command, snapshot
from tests.status.planting import CLEAN, planted


def test_it_prints_the_update_and_writes_nothing(tmp_path: Path) -> None:
    tree = planted(tmp_path, CLEAN)
    before = snapshot(tree)
    done = command("status-update", tree)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# Status update: `adder`")
    assert snapshot(tree) == before


def test_an_output_gets_the_same_bytes_and_a_script_beside_it_even_inside_the_tree(tmp_path: Path) -> None:
    tree = planted(tmp_path, CLEAN)
    printed = command("status-update", tree).stdout.replace("status_update_gates.py", "now_gates.py")
    for _ in range(2):
        done = command("status-update", tree, "--output", tree / "now.md")
        assert done.returncode == 0, done.stderr
        assert (tree / "now.md").read_text() == printed
    assert os.access(tree / "now_gates.py", os.X_OK)
    compile((tree / "now_gates.py").read_text(), "now_gates.py", "exec")


def test_json_holds_every_part(tmp_path: Path) -> None:
    document = json.loads(command("status-update", planted(tmp_path, CLEAN), "--format", "json").stdout)
    assert document["schema"] == "codex-audit/status_update/v1"
    assert document["project"] == "adder"
    assert len(document["capabilities"]) == 15 and len(document["phases"]) == 6


def test_a_file_that_it_did_not_write_is_not_replaced_by_the_script(tmp_path: Path) -> None:
    tree = planted(tmp_path / "tree", CLEAN)
    (tmp_path / "now_gates.py").write_text("mine\n")
    done = command("status-update", tree, "--output", tmp_path / "now.md")
    assert (done.returncode, (tmp_path / "now_gates.py").read_text()) == (2, "mine\n")
    assert "now_gates.py is there" in done.stderr
    assert not (tmp_path / "now.md").exists()


def test_a_missing_tree_and_a_missing_folder_are_usage_errors(tmp_path: Path) -> None:
    assert command("status-update", tmp_path / "gone").returncode == 2
    tree = planted(tmp_path / "tree", CLEAN)
    assert command("status-update", tree, "--output", tmp_path / "gone" / "now.md").returncode == 2
