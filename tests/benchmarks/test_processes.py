"""What a measured command is said to cost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.processes import CommandFailedError, Task, interleaved, memory_of, timed, watched

MEGABYTE = 1_000_000
# Three processes that hold 40 MB each at once: pages touched after the fork are their own.
THREE = """
import os, time
for _ in range(2):
    if not os.fork():
        break
held = bytearray(os.urandom(1)) * 40_000_000
time.sleep(1)
"""
SPEND = "import os, time\nif not os.fork():\n    while time.process_time() < 0.3: pass\n    os._exit(0)\nos.wait()"


def python(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


def test_seconds_by_the_clock_are_not_those_of_the_processor() -> None:
    cost = timed(python("import time; time.sleep(0.5)"), os.environ)
    assert cost.wall >= 0.5 > cost.cpu > 0


def test_processor_seconds_include_those_of_children() -> None:
    assert timed(python(SPEND), os.environ).cpu >= 0.3


def test_memory_is_summed_over_all_processes_of_a_command() -> None:
    peak = watched(python(THREE), os.environ)
    assert 120 * MEGABYTE <= peak.pss <= peak.rss < 400 * MEGABYTE
    assert peak.samples > 1


def test_a_process_that_is_gone_holds_nothing() -> None:
    child = subprocess.Popen(python("pass"))
    child.wait()
    assert memory_of(child.pid) == (0, 0)


@pytest.mark.parametrize("measure", [timed, watched])
def test_a_command_that_fails_is_no_measurement_and_its_words_are_kept(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(CommandFailedError, match="ended with 3: no such luck"):
        measure(python("import sys; print('no such luck', file=sys.stderr); sys.exit(3)"), os.environ)


def test_every_task_runs_once_a_round_and_rounds_begin_with_another_one() -> None:
    order: list[str] = []

    def noted(name: str) -> Task:
        return Task(name, python("pass"), lambda number: order.append(f"{name}{number}"))

    costs = interleaved([noted("a"), noted("b"), noted("c")], 2, os.environ)
    assert order == ["a0", "b0", "c0", "b1", "c1", "a1"]
    assert {name: len(found) for name, found in costs.items()} == {"a": 2, "b": 2, "c": 2}
