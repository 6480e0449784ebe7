"""What every command shares: help, version, errors, interruption, a reader that goes away."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.cli import PACKAGE_ROOT, TRAIN, command, copy_of_package, write_tree

COMMANDS = ("run", "verify", "explain", "diff", "init")
HEAVY = ("jinja2", "jsonschema", "msgspec", "rfc8785", "rich", "yaml", "multiprocessing", "subprocess")


def test_the_version_comes_without_anything_heavy() -> None:
    code = (
        "import sys\nfrom codex_audit.main import main\n"
        "try: main(['--version'])\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE_ROOT, check=True
    )
    assert done.stdout.splitlines()[1] == "[]"


@pytest.mark.parametrize("arguments", [(), *((name,) for name in COMMANDS)])
def test_help_fits_a_screen(arguments: tuple[str, ...]) -> None:
    done = command(*arguments, "--help", env={"COLUMNS": "80"})
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_no_command_and_an_unknown_one_are_usage_errors() -> None:
    assert command().returncode == 2
    done = command("nonsense")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "run" in done.stderr


def test_a_bug_is_one_line_with_exit_code_3_and_a_way_to_see_more(tmp_path: Path) -> None:
    package, tree = copy_of_package(tmp_path / "package"), write_tree(tmp_path / "tree")
    broken = package / "codex_audit" / "capabilities" / "catalogue.py"
    broken.write_text(broken.read_text() + "\n1 / 0\n")
    done = command("run", tree, package=package)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "bug" in done.stderr
    assert "--debug" in done.stderr
    shown = command("--debug", "run", tree, package=package)
    assert shown.returncode == 3
    assert "catalogue.py" in shown.stderr


def test_an_error_stays_one_line_whatever_a_file_is_called(tmp_path: Path) -> None:
    done = command("run", tmp_path / "two\nlines")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_names_that_the_terminal_cannot_show_do_not_end_a_command(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "bäum")
    (tree / os.fsdecode(b"na\xefve.py")).write_text("x = 1\n")
    done = command("run", tree, env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    (tree / os.fsdecode(b"na\xefve.py")).write_text("x = 2\n")
    stale = command("verify", tree, env={"PYTHONIOENCODING": "ascii"})
    assert stale.returncode == 4, stale.stderr
    assert "na%EFve.py" in stale.stdout


def test_a_foreign_name_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    assert command("run", tree).returncode == 0
    (tree / "\x1b]0;owned\x07\u202e.py").write_text("")
    for done in (command("verify", tree), command("run", tree / "\x1b[31m")):
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr
        assert "\\x1b" in done.stdout + done.stderr


def test_a_reader_that_goes_away_hears_no_complaint(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    assert command("run", tree).returncode == 0
    quoted = f"{sys.executable} -m codex_audit explain training {tree} | true"
    done = subprocess.run(
        ["bash", "-c", quoted], capture_output=True, text=True, cwd=PACKAGE_ROOT, check=False
    )
    assert done.stderr == ""


def test_progress_shows_on_a_terminal_and_an_interrupt_ends_with_one_line(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    for number in range(400):
        (tree / f"module_{number}.py").write_text(TRAIN * 20)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codex_audit", "run", str(tree), "--jobs", "1"],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=PACKAGE_ROOT,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 60
    while b"S2 reading" not in seen and time.monotonic() < deadline:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    assert process.wait(60) == 4
    assert b"S2 reading files" in seen
    assert b"codex-audit: error: interrupted" in seen
    assert b"Traceback" not in seen
    assert not (tree / "audit_artifacts").exists()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize("name", ["verify", "diff", "explain"])
def test_json_output_is_one_document(tmp_path: Path, name: str) -> None:
    tree = write_tree(tmp_path / "tree")
    assert command("run", tree).returncode == 0
    arguments = {"verify": (tree,), "diff": (tree, tree), "explain": ("training", tree)}[name]
    done = command(name, *arguments, "--format", "json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), dict)
