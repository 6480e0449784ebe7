"""Training runs in processes of their own: one alone, or several at once that take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import installed

STEPS = {"tiny": 2000, "small": 40}
Run = Mapping[str, Any]
"""What ``training_run`` printed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of ``engine`` on the model ``size`` with so many ``threads``."""

    engine: str
    size: str
    corpus: Path
    threads: int

    def start(self, turns: tuple[int, int] | None = None) -> subprocess.Popen[str]:
        """The process, which has the two file descriptors of ``turns``."""
        command = [sys.executable, "-m", "benchmarks.training_run", self.engine, str(self.corpus)]
        options = ["--size", self.size, "--steps", str(STEPS[self.size])]
        if turns:
            options += ["--turns", *map(str, turns)]
        environment = {**installed(os.environ), "OMP_NUM_THREADS": str(self.threads), "HF_HUB_OFFLINE": "1"}
        return subprocess.Popen(
            [*command, *options],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=turns or (),
        )


def run_alone(job: Job) -> Run:
    """Nothing else runs meanwhile."""
    return _ended(job, job.start())


def run_by_turns(jobs: Sequence[Job]) -> list[Run]:
    """All at once, of which one does a step while the others wait; each starts up alone."""
    players = [_Player.of(job) for job in jobs]
    playing = players
    while playing:
        playing = [player for player in playing if player.step()]
    return [_ended(player.job, player.process) for player in players]


@dataclass(frozen=True, slots=True)
class _Player:
    job: Job
    process: subprocess.Popen[str]
    go: int
    done: int

    @classmethod
    def of(cls, job: Job) -> _Player:
        """A process that has done its first step and waits."""
        (told, go), (done, tells) = os.pipe(), os.pipe()
        process = job.start((told, tells))
        os.close(told)
        os.close(tells)
        os.read(done, 1)
        return cls(job, process, go, done)

    def step(self) -> bool:
        """Its turn; False when it has ended."""
        with suppress(BrokenPipeError):
            os.write(self.go, b".")
            if os.read(self.done, 1):
                return True
        os.close(self.go)
        os.close(self.done)
        return False


def _ended(job: Job, process: subprocess.Popen[str]) -> Run:
    output, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{job.engine} failed:\n{errors[-2000:]}")
    found: Run = json.loads(output.splitlines()[-1])
    return found
