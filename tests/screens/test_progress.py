"""The screens of a run: lines in a pipe, a live view on a real terminal, and what they cost."""

from __future__ import annotations

import errno
import io
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import WriteError
from codex_train.screens.figures import Figures, Pace, Subject, summary_text
from codex_train.screens.live import INTERVAL, View, console_of
from codex_train.screens.progress import watching
from codex_train.screens.text import duration, printable

METRICS = {"loss": 2.5, "perplexity": 12.18, "bits_per_byte": 3.6, "token_accuracy": 0.25, "samples": 8}
HOSTILE = "evil\x1b]0;title\x07\x1b[2J[red]\u202e"


def subject(folder: Path, name: str = "first", steps: int = 20, done: int = 0, every: int = 5) -> Subject:
    return Subject(name, folder, steps, done, every)


def attacher(folder: Path) -> Callable[[str, bytes], Path]:
    def attach(name: str, data: bytes) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return attach


@contextmanager
def terminal() -> Iterator[tuple[TextIO, bytearray]]:
    """A real terminal, and what it was told."""
    master, slave = os.openpty()
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            seen.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as output:
        yield output, seen
        output.flush()
    reader.join(10)
    os.close(master)


def test_a_pipe_gets_one_line_an_interval_and_a_summary(tmp_path: Path) -> None:
    output = io.StringIO()
    with watching(subject(tmp_path), attacher(tmp_path), output) as screen:
        for step in range(1, 18):
            screen.step(step, 4.0 - step / 10, 1.5, 3e-4, 100)
            if step == 10:
                screen.evaluation(step, dict(METRICS))
    lines = output.getvalue().splitlines()
    assert lines[0] == f"run first: 20 steps, folder {tmp_path}"
    assert [line.split()[1] for line in lines if line.startswith("step ")] == [
        "5/20",
        "10/20",
        "15/20",
        "17/20",
    ]
    assert "loss 3.5000" in lines[1]
    assert "lr 3.000e-04  norm 1.500" in lines[1]
    assert "validation 10/20  loss 2.5000  perplexity 12.18  3.6000 bits/byte  25.0% of tokens" in lines
    assert any("loss 3.9000 -> 2.3000, lowest 2.3000 at step 17" in line for line in lines)
    assert lines[-1] == f"curve  {tmp_path / 'loss.svg'}"
    assert (tmp_path / "loss.svg").read_bytes().startswith(b"<svg")


def test_a_run_that_goes_on_counts_from_where_it_was(tmp_path: Path) -> None:
    output = io.StringIO()
    with watching(subject(tmp_path, done=10), attacher(tmp_path), output) as screen:
        screen.step(11, 2.0, None, 1e-3, 100)
    assert "run first from step 10: 20 steps" in output.getvalue()
    assert "steps 11-11 " in output.getvalue()
    assert "norm -" in output.getvalue()


def test_no_step_leaves_a_line_and_no_picture(tmp_path: Path) -> None:
    output = io.StringIO()
    with watching(subject(tmp_path), attacher(tmp_path), output, ["3 records were left out"]):
        pass
    assert output.getvalue().startswith("3 records were left out\n")
    assert output.getvalue().endswith("no step was taken\n")
    assert not list(tmp_path.iterdir())


def test_notes_and_names_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    output = io.StringIO()
    with watching(subject(tmp_path, HOSTILE), attacher(tmp_path), output, [HOSTILE]) as screen:
        screen.step(1, 1.0, 1.0, 1.0, 1)
    assert all(char.isprintable() or char == "\n" for char in output.getvalue())
    assert "\\x1b[2J[red]\\u202e" in output.getvalue()


def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as output:
        with watching(subject(tmp_path, every=1), attacher(tmp_path), output) as screen:
            os.close(ours)
            for step in range(1, 20):
                screen.step(step, 1.0, 1.0, 1.0, 1)
        with pytest.raises(BrokenPipeError):  # what is left of the first line
            output.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), theirs)
    assert (tmp_path / "loss.svg").exists()


def test_a_picture_that_cannot_be_written_is_told_and_does_not_fail_the_run(tmp_path: Path) -> None:
    def full(name: str, data: bytes) -> Path:
        raise WriteError(f"cannot write {name}: {os.strerror(errno.ENOSPC)}")

    output = io.StringIO()
    with watching(subject(tmp_path), full, output) as screen:
        screen.step(1, 1.0, 1.0, 1.0, 1)
    assert "no curve: WriteError: cannot write loss.svg: No space left on device" in output.getvalue()


def test_an_error_of_the_run_goes_through_and_the_summary_comes_first(tmp_path: Path) -> None:
    output = io.StringIO()
    with (
        pytest.raises(ValueError, match="broken"),
        watching(subject(tmp_path), attacher(tmp_path), output) as screen,
    ):
        screen.step(1, 1.0, 1.0, 1.0, 1)
        raise ValueError("broken")
    assert "steps 1-1 " in output.getvalue()


def test_a_terminal_gets_a_live_view_and_its_cursor_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    before = sys.stdout
    with (
        terminal() as (output, seen),
        watching(subject(tmp_path, HOSTILE), attacher(tmp_path), output) as screen,
    ):
        assert isinstance(screen, View)
        screen.step(1, 3.25, 1.5, 3e-4, 100)
        screen.evaluation(1, dict(METRICS))
        time.sleep(2.5 * INTERVAL)
        screen.step(2, 3.125, 1.5, 3e-4, 100)
    text = seen.decode()
    assert "\\x1b[2J[red]\\u202e" in text
    assert "\x1b[2J" not in text
    assert "\x1b]0" not in text
    assert "loss 3.2500" in text
    assert "loss 3.1250" in text
    assert "validation 1  loss 2.5000" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "\u2524" in text  # the axis of the curve
    assert sys.stdout is before
    assert not [one for one in threading.enumerate() if one.name == "codex-train progress"]


def test_a_live_view_draws_no_random_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    before = random.getstate()
    with terminal() as (output, _), watching(subject(tmp_path), attacher(tmp_path), output) as screen:
        screen.step(1, 1.0, 1.0, 1.0, 1)
        time.sleep(1.5 * INTERVAL)
        screen.evaluation(1, dict(METRICS))
    assert random.getstate() == before


def test_a_terminal_that_goes_away_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    master, slave = os.openpty()
    output = os.fdopen(slave, "w")
    with watching(subject(tmp_path), attacher(tmp_path), output) as screen:
        screen.step(1, 1.0, 1.0, 1.0, 1)
        os.close(master)
        time.sleep(1.5 * INTERVAL)
        screen.step(2, 1.0, 1.0, 1.0, 1)
    assert (tmp_path / "loss.svg").exists()
    os.dup2(os.open(os.devnull, os.O_WRONLY), slave)
    output.close()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with terminal() as (output, _):
        assert console_of(output) is None


def test_looking_on_costs_a_step_less_than_two_hundredths_of_a_millisecond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a step of 1.6 ms: what the step does itself, and its part of the drawings. Processor time, not the clock."""
    monkeypatch.setenv("TERM", "xterm-256color")
    with terminal() as (output, _):
        console = console_of(output)
        assert console is not None
        view = View(subject(tmp_path), Figures(), console)
        view.begin()
        began = time.thread_time()
        for step in range(1, 10_001):
            view.step(step, 3.0, 1.0, 1e-3, 2048)
        own = (time.thread_time() - began) / 10_000
        view.evaluation(1, dict(METRICS))
        began = time.thread_time()
        for _ in range(20):
            view._live.refresh()
        drawing = (time.thread_time() - began) / 20
        view.end()
    assert INTERVAL >= 0.25
    assert own + drawing * 1.6e-3 / INTERVAL < 0.02e-3


@given(st.text())
def test_what_is_printed_has_no_control_character_and_plain_text_stays(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=200), st.integers(0, 1000))
def test_the_smoothed_loss_lies_between_the_losses(losses: list[float], done: int) -> None:
    figures = Figures(done)
    for step, loss in enumerate(losses, done + 1):
        figures.take(step, loss, 1.0, 1e-3, 10)
    assert min(losses) - 1e-6 <= figures.smooth <= max(losses) + 1e-6
    if len(losses) < 50:
        assert figures.smooth == pytest.approx(sum(losses) / len(losses), abs=1e-9)
    assert figures.targets == 10 * len(losses)
    assert f"at step {done + 1 + losses.index(min(losses))}" in summary_text(figures, 1.0)


def test_pace_is_that_of_the_last_looks() -> None:
    pace = Pace(3)
    for now, step in ((0.0, 0), (100.0, 1), (101.0, 11), (102.0, 21)):
        pace.look(now, step, step * 50)
    assert pace.tokens() == 500.0
    assert pace.left(41) == 2.0
    fresh = Pace(3)
    fresh.look(1.0, 5, 0)
    assert duration(fresh.left(10)) == "?"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00:00"), (61, "0:01:01"), (360000, "100:00:00")])
def test_a_duration_is_written_in_hours(seconds: float, text: str) -> None:
    assert duration(seconds) == text
