"""What a command costs: seconds by the clock and of the processors, and the memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROC = Path("/proc")
SAMPLE_SECONDS = 0.01


class CommandFailedError(Exception):
    """A measured command did not end with 0, so what it cost means nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """``wall`` seconds passed; ``cpu`` seconds, user and system, went to the process and the children it waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks in bytes over all processes of a command at once. ``pss`` counts a shared page once, ``rss`` once for every
    process that maps it."""

    pss: int = 0
    rss: int = 0
    samples: int = 0

    def peak(self, other: Memory) -> Memory:
        """The larger of both, each figure for itself."""
        return Memory(max(self.pss, other.pss), max(self.rss, other.rss), max(self.samples, other.samples))


@dataclass(frozen=True, slots=True)
class Task:
    """A command to measure. ``before`` gets the number of the round and is not measured."""

    name: str
    command: tuple[str, ...]
    before: Callable[[int], None] = lambda _: None


def timed(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run ``command`` to its end. Raises CommandFailedError."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = _started(command, environment, said)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        _check(child, said)
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def watched(command: Sequence[str], environment: Mapping[str, str]) -> Memory:
    """Run ``command`` to its end and look at its processes every hundredth of a second, or less often where looking
    takes long. Raises CommandFailedError."""
    seen = Memory()
    with tempfile.TemporaryFile() as said:
        child = _started(command, environment, said)
        while child.poll() is None:
            start = time.perf_counter()
            sizes = [memory_of(pid) for pid in family(child.pid)]
            pss, rss = sum(pss for pss, _ in sizes), sum(rss for _, rss in sizes)
            seen = seen.peak(Memory(pss, rss, seen.samples + 1))
            time.sleep(max(SAMPLE_SECONDS, 2 * (time.perf_counter() - start)))
        _check(child, said)
    return seen


def installed(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` in which Python keeps the bytecode of what it imports, as that of every installed program is."""
    return {key: value for key, value in environment.items() if key != "PYTHONDONTWRITEBYTECODE"}


def interleaved(tasks: Sequence[Task], repeat: int, environment: Mapping[str, str]) -> dict[str, list[Cost]]:
    """Every task once a round, ``repeat`` rounds, each round beginning with the next task, so that whatever
    disturbs the machine meets all of them. Seconds by the name of the task."""
    costs: dict[str, list[Cost]] = {task.name: [] for task in tasks}
    for number in range(repeat):
        first = number % len(tasks)
        for task in (*tasks[first:], *tasks[:first]):
            task.before(number)
            costs[task.name].append(timed(task.command, environment))
    return costs


def family(pid: int) -> list[int]:
    """``pid`` and all its living descendants."""
    found = [pid]
    for parent in found:
        for children in (PROC / str(parent) / "task").glob("*/children"):
            with suppress(OSError):
                found.extend(int(child) for child in children.read_text().split())
    return found


def memory_of(pid: int) -> tuple[int, int]:
    """PSS and RSS of one process in bytes; nothing for one that has ended."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {name: size for name, _, size in (line.partition(":") for line in lines)}
    return _kilobytes(sizes, "Pss"), _kilobytes(sizes, "Rss")


def _kilobytes(sizes: Mapping[str, str], name: str) -> int:
    return int(sizes[name].split()[0]) * 1024 if name in sizes else 0


def _started(
    command: Sequence[str], environment: Mapping[str, str], said: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=installed(environment))


def _check(ended: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    if ended.returncode:
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
        raise CommandFailedError(f"{ended.args!r} ended with {ended.returncode}: {words}")
