"""``codex-audit release-check`` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from markdown_it import MarkdownIt

from tests.release.projects import OFFLINE, project, write


def called(root: Path, *words: str, profile: str = OFFLINE) -> subprocess.CompletedProcess[str]:
    file = write(root.parent, "profile.yaml", profile)
    command = [
        sys.executable,
        "-m",
        "codex_audit",
        "release-check",
        str(root),
        "--profile",
        str(file),
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def only(*items: str) -> list[str]:
    return [word for item in items for word in ("--only", item)]


def test_a_release_that_is_ready_ends_with_0_and_says_so(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    done = called(root, *only("version", "lock", "docs"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "ready for release: 2 passed, 1 skipped"


def test_a_fault_ends_with_1_and_names_item_reason_and_place(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "CHANGELOG.md", "# Changelog\n")
    done = called(root, *only("version", "changelog"), "--format", "json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["ready"] is False
    assert [(one["item"], one["status"]) for one in said["items"]] == [
        ("changelog", "failed"),
        ("version", "passed"),
    ]
    assert said["items"][0]["evidence"] == ["CHANGELOG.md"]


def test_strict_lets_nothing_be_skipped_unsaid(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    strict = f"base: strict\n{OFFLINE}"
    assert called(root, *only("docs", "version"), profile=strict).returncode == 1
    said = f"{strict}skip: {{docs: there is nothing to say}}\n"
    done = called(root, *only("docs", "version"), profile=said)
    assert done.returncode == 0
    assert "by the profile: there is nothing to say" in done.stdout


def test_an_audit_that_is_missing_or_stale_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    assert "there is no audit" in called(root, *only("audit")).stdout
    subprocess.run([sys.executable, "-m", "codex_audit", "run", str(root)], check=True, capture_output=True)
    assert called(root, *only("audit")).returncode == 0
    write(root, "small/more.py", "import os\n")
    done = called(root, *only("audit"))
    assert done.returncode == 1
    assert "stale" in done.stdout


def test_the_checklist_is_markdown_whatever_a_name_holds(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "small/__init__.py", '__version__ = "<b>*1*</b>|`2`"\n')
    file = tmp_path / "list.md"
    assert called(root, *only("version"), "--markdown", str(file)).returncode == 1
    html = MarkdownIt("commonmark", {"html": True}).render(file.read_text())
    assert "<b>" not in html
    assert "&lt;b&gt;*1*&lt;/b&gt;|`2`" in html


def test_nothing_but_skips_is_no_release(tmp_path: Path) -> None:
    done = called(project(tmp_path / "small"), *only("docs"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "not ready for release: 1 skipped")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    write(tmp_path, "file", "x")
    done = called(project(tmp_path / "small"), *only("version"), "--keep", str(tmp_path / "file"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "give another folder with --keep" in done.stderr


def test_what_the_check_keeps_is_no_part_of_the_tree(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, ".gitignore", "__pycache__/\n")
    audited = [sys.executable, "-m", "codex_audit", "run", str(root)]
    subprocess.run(audited, check=True, capture_output=True)
    assert called(root, *only("version", "tests", "audit")).returncode == 0


def test_an_unknown_item_is_one_line(tmp_path: Path) -> None:
    done = called(project(tmp_path / "small"), *only("versions"))
    assert done.returncode == 2
    assert done.stderr.startswith(
        "codex-audit: error: no item is called 'versions'; there are tests, coverage"
    )
    assert done.stderr.count("\n") == 1
