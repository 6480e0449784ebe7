"""Sharing work out changes nothing but the time it takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit import parallel
from codex_audit.parallel import WorkerDiedError, WorkFailedError, shared_out
from tests.commands.cli import PACKAGE_ROOT

SLOW = """\
import os, time
from codex_audit.parallel import shared_out

def work(index):
    os.write(1, b"x")
    time.sleep(0.02)

shared_out(work, [1] * 400, 2)
"""


@settings(max_examples=15)
@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(1, 4))
def test_results_come_in_order_whatever_the_number_of_processes(weights: list[int], jobs: int) -> None:
    assert shared_out(lambda index: index * 10, weights, jobs) == [
        index * 10 for index in range(len(weights))
    ]


def test_work_is_done_by_other_processes() -> None:
    assert len({*shared_out(lambda index: os.getpid(), [1, 1], 2), os.getpid()}) == 3


def test_what_a_worker_raises_is_raised_here() -> None:
    def fail(index: int) -> int:
        raise ValueError(f"item {index}")

    with pytest.raises(ValueError, match=r"item [01]"):
        shared_out(fail, [1, 1], 2)


def test_a_worker_that_dies_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(WorkerDiedError, match="worker process died"):
        shared_out(lambda index: os._exit(9), [1, 1], 2)


@pytest.mark.parametrize("unread", [False, True], ids=["at once", "with work unread"])
def test_a_worker_killed_before_it_works_is_an_error_of_its_own_kind(
    monkeypatch: pytest.MonkeyPatch, unread: bool
) -> None:
    """Not a BrokenPipeError, by which the command would think that nobody reads its output."""
    start = parallel._start

    def killed(work: Callable[[int], int]) -> parallel._Worker[int]:
        worker = start(work)
        assert worker.process.pid is not None
        if unread:
            os.kill(worker.process.pid, signal.SIGSTOP)
            threading.Timer(0.3, os.kill, (worker.process.pid, signal.SIGKILL)).start()
        else:
            worker.process.kill()
            worker.process.join()
        return worker

    monkeypatch.setattr(parallel, "_start", killed)
    with pytest.raises(WorkerDiedError, match="worker process died"):
        shared_out(lambda index: index, [1] * 16, 2)


def test_a_worker_killed_amid_its_answer_is_an_error_too() -> None:
    def die(index: int) -> bytes:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return bytes(300_000_000)

    with pytest.raises(WorkerDiedError, match="worker process died"):
        shared_out(die, [1, 1], 2)


class TwoWordsError(Exception):
    """Cannot be made again from its arguments, as pickle does."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


class OpenError(Exception):
    """Cannot be pickled at all."""

    def __str__(self) -> str:
        return f"{len(self.args)} functions"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TwoWordsError("this", "that"), "TwoWordsError: this and that"),
        (OpenError(lambda: 1), "OpenError: 1 functions"),
    ],
    ids=["cannot be unpickled", "cannot be pickled"],
)
def test_an_error_that_cannot_travel_is_told(
    error: Exception, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(index: int) -> int:
        raise error

    with pytest.raises(WorkFailedError) as raised:
        shared_out(fail, [1, 1], 2)
    assert told in str(raised.value)
    assert "Traceback" not in capfd.readouterr().err


def test_a_result_that_cannot_travel_is_told() -> None:
    with pytest.raises(WorkFailedError, match="pickle"):
        shared_out(lambda index: lambda: index, [1, 1], 2)


@pytest.mark.parametrize("whom", ["parent", "all"])
def test_workers_end_without_a_word_when_their_parent_is_killed_or_all_are_interrupted(whom: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert run.stdout.read(1) == b"x"
    time.sleep(0.1)
    if whom == "parent":
        run.kill()
    else:
        os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=20)  # which waits until the last worker has closed its end
    assert b"ForkProcess" not in said
    assert said.count(b"Traceback") == (whom == "all")
