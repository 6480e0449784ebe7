"""Training runs in processes of their own, which take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

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

    def start(self, turns: tuple[int, int], output: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        """The process, which has the two file descriptors of ``turns`` and prints into ``output`` and ``errors``: pipes
        would be full before the last turn is over."""
        command = [sys.executable, "-m", "benchmarks.training_run", self.engine, str(self.corpus)]
        options = ["--size", self.size, "--steps", str(STEPS[self.size]), "--turns", *map(str, turns)]
        environment = {**installed(os.environ), "OMP_NUM_THREADS": str(self.threads), "HF_HUB_OFFLINE": "1"}
        return subprocess.Popen(
            [*command, *options], env=environment, stdout=output, stderr=errors, pass_fds=turns
        )


def run_by_turns(jobs: Sequence[Job]) -> list[Run]:
    """All at once, of which one goes on while the others wait; each starts up alone."""
    players = [_Player.of(job) for job in jobs]
    playing = players
    while playing:
        playing = [player for player in playing if player.turn()]
    return [player.ended() for player in players]


@dataclass(frozen=True, slots=True)
class _Player:
    job: Job
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]
    go: int
    done: int

    @classmethod
    def of(cls, job: Job) -> _Player:
        """A process that has done its first step and waits."""
        (told, go), (done, tells) = os.pipe(), os.pipe()
        output, errors = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed when they are read
        process = job.start((told, tells), output, errors)
        os.close(told)
        os.close(tells)
        os.read(done, 1)
        return cls(job, process, output, errors, go, done)

    def turn(self) -> bool:
        """Its turn; False when it has ended."""
        with suppress(BrokenPipeError):
            os.write(self.go, b".")
            if os.read(self.done, 1):
                return True
        os.close(self.go)
        os.close(self.done)
        return False

    def ended(self) -> Run:
        """What it printed last. Raises SystemExit with what it said if it failed."""
        code = self.process.wait()
        printed, said = (_read(file) for file in (self.output, self.errors))
        if code:
            raise SystemExit(f"{self.job.engine} failed:\n{said[-2000:]}")
        found: Run = json.loads(printed.splitlines()[-1])
        return found


def _read(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode(errors="replace")
