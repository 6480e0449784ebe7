"""Tools as child processes of this interpreter, which know nothing of the scanned tree but what they are given.

A child starts in a folder of our own, with few variables, without the current folder on its path and without anything
that ``PYTHON*`` variables name: no module and no configuration of the tree can be loaded by its name.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

INTERPRETER = (sys.executable, "-E", "-P", "-B", "-X", "utf8")

_KEPT = frozenset(
    "HOME LANG LC_ALL PATH REQUESTS_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE TMPDIR "
    "ALL_PROXY HTTPS_PROXY HTTP_PROXY all_proxy https_proxy http_proxy".split()
)
_LOOPBACK = "127.0.0.1,localhost"
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """For each child: ``seconds`` it may run, ``output`` bytes it may write to stdout and stderr together."""

    seconds: float = 600.0
    output: int = 64 << 20


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Command:
    """What follows the interpreter, the folder in which it runs, and what it reads from stdin."""

    arguments: tuple[str, ...]
    folder: Path
    given: bytes = b""


@dataclass(frozen=True, slots=True)
class Ended:
    """``problem`` says why a child has no answer, empty when it ended by itself."""

    code: int
    output: bytes
    errors: bytes
    problem: str = ""


@dataclass(slots=True)
class _Child:
    index: int
    process: subprocess.Popen[bytes]
    end: float
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    open_pipes: int = 2
    problem: str = ""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``given`` that a child gets; a proxy is never asked for what this machine answers itself."""
    kept = {name: value for name, value in given.items() if name in _KEPT}
    direct = ",".join(filter(None, (given.get("NO_PROXY") or given.get("no_proxy"), _LOOPBACK)))
    return {**kept, "NO_PROXY": direct, "no_proxy": direct, "NO_COLOR": "1"}


def run_children(
    commands: Sequence[Command],
    jobs: int = 1,
    limits: Limits = DEFAULT_LIMITS,
    ended: Callable[[int], None] = lambda count: None,
) -> list[Ended]:
    """What came of each of ``commands``, at most ``jobs`` at once; ``ended`` hears how many have ended so far. None is
    left running, whatever is raised meanwhile."""
    results: dict[int, Ended] = {}
    running: list[_Child] = []
    with selectors.DefaultSelector() as selector:
        try:
            while len(results) < len(commands):
                while len(running) < max(jobs, 1) and len(results) + len(running) < len(commands):
                    index = len(results) + len(running)
                    running.append(_start(index, commands[index], limits, selector))
                _read(selector, limits, min(child.end for child in running))
                for child in [child for child in running if _is_over(child, limits)]:
                    results[child.index] = _finish(child, selector)
                    running.remove(child)
                    ended(len(results))
        finally:
            for child in running:
                _finish(child, selector)
    return [results[index] for index in range(len(commands))]


def _start(index: int, command: Command, limits: Limits, selector: selectors.BaseSelector) -> _Child:
    with tempfile.TemporaryFile() as given:
        given.write(command.given)
        given.seek(0)
        process = subprocess.Popen(
            [*INTERPRETER, *command.arguments],
            cwd=command.folder,
            env=environment(os.environ),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    child = _Child(index, process, time.monotonic() + limits.seconds)
    for pipe, held in ((process.stdout, child.output), (process.stderr, child.errors)):
        if pipe is not None:
            selector.register(pipe, selectors.EVENT_READ, (child, held))
    return child


def _read(selector: selectors.BaseSelector, limits: Limits, until: float) -> None:
    """Wait for something to read, until the next child is out of time."""
    for key, _ in selector.select(max(0.0, until - time.monotonic())):
        child, held = key.data
        data = os.read(key.fd, _CHUNK)
        held += data
        if not data:
            selector.unregister(key.fileobj)
            child.open_pipes -= 1
        elif len(child.output) + len(child.errors) > limits.output:
            child.problem = f"wrote more than {limits.output >> 20} MB"


def _is_over(child: _Child, limits: Limits) -> bool:
    if not child.problem and child.open_pipes and time.monotonic() >= child.end:
        child.problem = f"did not end within {limits.seconds:g} seconds"
    return bool(child.problem) or not child.open_pipes


def _finish(child: _Child, selector: selectors.BaseSelector) -> Ended:
    """End the child with all that it started, and close its pipes."""
    if not child.open_pipes and not child.problem:
        # Both pipes are closed, so it is about to end by itself; one that is not is ended below.
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.1, child.end - time.monotonic()))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()
    for pipe in (child.process.stdout, child.process.stderr):
        if pipe is not None:
            with suppress(KeyError, ValueError):
                selector.unregister(pipe)
            pipe.close()
    return Ended(child.process.returncode, bytes(child.output), bytes(child.errors), child.problem)
