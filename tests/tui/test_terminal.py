"""The real program in a real terminal: ``codex-audit tui`` inside tmux, driven by keys and read from its screen."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.cli import PACKAGE_ROOT
from tests.recorder.made_up import make_run
from tests.tui.made import changed, write_audit

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed (Debian package tmux)"
)


class Terminal:
    """A tmux server of its own with one pane, 80 by 24, in which a command runs."""

    def __init__(self, folder: Path, command: str) -> None:
        self._socket = str(folder / "tmux")
        self._ended = folder / "ended"
        shown = f"{command}; echo $? > {shlex.quote(str(self._ended))}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", shown)

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-S", self._socket, *words]
        # Without the size that a test runner may have put there: what runs inside would believe it.
        kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "TMUX")}
        done = subprocess.run(command, env=kept, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout

    def keys(self, *names: str) -> None:
        self.tmux("send-keys", *names)

    def screen(self, *options: str) -> str:
        return self.tmux("capture-pane", "-p", *options)

    def until(self, true: Callable[[str], bool], seconds: float = 30.0) -> str:
        """The screen, as soon as it is as wanted."""
        end = time.monotonic() + seconds
        while not true(screen := self.screen()):
            assert time.monotonic() < end, f"waited in vain for this screen:\n{screen}"
            time.sleep(0.05)
        return screen

    def shows(self, *words: str) -> str:
        return self.until(lambda screen: all(word in screen for word in words))

    def ended(self, seconds: float = 20.0) -> int:
        """The exit status of the command."""
        end = time.monotonic() + seconds
        while not (self._ended.exists() and self._ended.read_text()):
            assert time.monotonic() < end, "the program has not ended"
            time.sleep(0.05)
        return int(self._ended.read_text())

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """``codex-audit tui`` over an audit, an older one and a run."""
    write_audit(tmp_path / "sample")
    write_audit(tmp_path / "sample" / "older", *changed())
    make_run(tmp_path / "sample" / "runs" / "first")
    words = [sys.executable, "-m", "codex_audit", "tui", str(tmp_path / "sample")]
    opened = Terminal(tmp_path, f"PYTHONPATH={shlex.quote(str(PACKAGE_ROOT))} {shlex.join(words)}")
    yield opened
    opened.close()


def test_every_part_is_reached_by_keys_in_a_terminal_of_80_by_24(terminal: Terminal) -> None:
    terminal.shows("sample / Matrix", "Saving", "◐ partial", "^p palette")
    terminal.keys("Enter")
    terminal.shows("Component", "saving.optimizer")
    terminal.keys("2")
    terminal.shows("saving.weights", "reading.split")
    terminal.keys("/", "o", "d", "d")
    terminal.until(lambda screen: "saving.digest" in screen and "saving.weights" not in screen)
    terminal.keys("Escape")
    terminal.shows("saving.weights")
    terminal.keys("Home", "Enter")
    terminal.shows("Evidence", "pkg/run.py:8")
    terminal.keys("Enter")
    terminal.shows("▶ 8      torch.save(state, path)")
    terminal.keys("3")
    terminal.shows("Risk", "First step")
    terminal.keys("4")
    terminal.shows("first", "finished")
    terminal.keys("Enter")
    terminal.shows("Loss in nats a token", "5.5┤", "segment 0001")
    terminal.keys("5")
    terminal.shows("older")
    terminal.keys("Enter")
    terminal.shows("▼ fell", "regression")
    terminal.keys("v")
    terminal.shows("2 of 2 verified", "CONSISTENT")
    terminal.keys("q")
    assert terminal.ended() == 0


def test_the_screen_follows_the_disk_and_the_size_of_the_terminal(terminal: Terminal, tmp_path: Path) -> None:
    terminal.shows("◐ partial", "^p palette")
    terminal.keys("2")
    terminal.shows("✓ yes      saving.weights")
    write_audit(tmp_path / "sample", *changed())
    terminal.shows("✗ no       saving.weights")
    terminal.keys("1")
    terminal.until(lambda screen: "sample / Matrix" in screen and "saving.optimizer" not in screen)
    terminal.tmux("resize-window", "-x", "140", "-y", "40")
    terminal.shows("saving.optimizer")  # the preview beside the matrix
    terminal.tmux("resize-window", "-x", "60", "-y", "16")
    terminal.until(lambda screen: "Saving" in screen and "saving.optimizer" not in screen)
    shutil.rmtree(tmp_path / "sample")
    terminal.shows("There is no audit in")
    terminal.keys("q")
    assert terminal.ended() == 0


def test_the_theme_changes_the_colours_that_are_sent(terminal: Terminal) -> None:
    terminal.shows("◐ partial")
    dark = terminal.screen("-e")
    terminal.keys("t")
    terminal.until(lambda _: terminal.screen("-e") != dark)
    assert terminal.screen() != ""
    terminal.keys("C-p")
    terminal.shows("Search for commands", "Light or dark")
    terminal.keys("Escape")
    terminal.until(lambda screen: "Light or dark" not in screen)
    terminal.keys("q")
    assert terminal.ended() == 0
