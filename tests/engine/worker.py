"""A process that has imported everything and trained nothing: each job runs in a fork of its own, so that it is as fresh
as a new process and can be killed, without paying for the imports again.

Reads a JSON list of jobs a line, runs them side by side, and answers with how each ended.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

# Everything that a run may import, by way of what it imports it for.
import torch
import transformers.models.gpt2.modeling_gpt2
import transformers.models.llama.modeling_llama  # noqa: F401

import codex_train.data.prepare
import codex_train.evaluation.loss
import codex_train.models.build
import codex_train.models.lora
import codex_train.tokenization.load  # noqa: F401
from codex_evidence.errors import CodexError
from codex_train.commands.options import print_outcome
from codex_train.config.load import load_config
from codex_train.engine.run import Given, resume_training, run_training
from codex_train.main import main as command

_KEEP_CAPABILITIES, _CAPABILITIES_V3, _READ_ALL = 8, 0x20080522, 2  # linux/prctl.h, linux/capability.h

PATIENCE = 100.0
"""Seconds that a job may take."""


class Killer:
    """A screen that ends the process, as kill -9 does, when it hears of ``step``."""

    def __init__(self, step: int) -> None:
        self.last = step

    def step(self, step: int, loss: float, norm: float | None, rate: float, targets: int) -> None:
        if step == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def evaluation(self, step: int, metrics: dict[str, Any]) -> None:
        pass


def serve() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(together(json.loads(line))), flush=True)


def together(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place:
        children = [begin(job, Path(place) / str(number)) for number, job in enumerate(jobs)]
        for job, child in zip(jobs, children, strict=True):
            interrupt(job.get("signal"), child)
        ended = [ending(child) for child in children]
        return [
            {"code": code, "out": read(place, number, "out"), "err": read(place, number, "err")}
            for number, code in enumerate(ended)
        ]


def read(place: str, number: int, what: str) -> str:
    return Path(place, f"{number}.{what}").read_text(errors="replace")


def begin(job: dict[str, Any], place: Path) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        for number, what in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{place}.{what}", os.O_WRONLY | os.O_CREAT, 0o600), number)
        code = perform(job)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def interrupt(how: dict[str, Any] | None, child: int) -> None:
    """Sends the signal ``how`` after its ``seconds``, or when its ``file`` (or the first that its ``glob`` matches) has so
    many ``lines``, and then so much ``later``, so many ``times``; not to a process that has ended before."""
    if how is None:
        return
    until = time.monotonic() + how.get("seconds", PATIENCE)
    while time.monotonic() < until and not gone(child):
        found = glob.glob(how["glob"]) if "glob" in how else [how.get("file", "")]  # noqa: PTH207 - an absolute one
        file = Path(next(iter(found), ""))
        if file.is_file() and file.read_bytes().count(b"\n") >= how["lines"]:
            break
        time.sleep(0.002)
    time.sleep(how.get("later", 0))
    for _ in range(how.get("times", 1)):
        if not gone(child):
            os.kill(child, how["number"])
            time.sleep(0.01)


def gone(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def ending(child: int) -> int:
    until = time.monotonic() + PATIENCE
    while not gone(child):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def perform(job: dict[str, Any]) -> int:
    os.environ.update(job.get("env", {}))
    if "limit" in job:  # as a disk that is full: no file may grow beyond so many bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
    if "user" in job:
        become(job["user"])
    if "parity" in job:
        from tests.engine.hand import compare

        print(json.dumps(compare(job["parity"], Path(job["config"]), job["overrides"], Path(job["folder"]))))
        return 0
    return command(job["command"]) if "command" in job else hooked(job)


def become(user: int) -> None:
    """Root becomes ``user``, who may read everything (an interpreter may lie in root's own folder) and write nothing but
    what its owner lets others write."""
    system = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setresgid(user, user, user)
    assert system.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0) == 0
    os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    sets = (ctypes.c_uint32 * 6)(1 << _READ_ALL, 1 << _READ_ALL)
    assert system.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def hooked(job: dict[str, Any]) -> int:
    """What the commands `run` and `resume` do, but killed at a step, or beyond what they let through."""
    given = Given(screen=Killer(job["kill_at"])) if "kill_at" in job else Given()
    folder = Path(job["folder"])
    try:
        if job.get("resume"):
            outcome = resume_training(folder, job.get("checkpoint", "latest"), **job["options"], given=given)
        else:
            loaded = load_config(Path(job["config"]), job["overrides"])
            config = loaded.config
            if "rate" in job:
                config = replace(config, optimizer=replace(config.optimizer, lr=job["rate"]))
            outcome = run_training(config, loaded.base, folder, given=given)
    except CodexError as error:
        print(f"codex-train: error: {error}", file=sys.stderr)
        return error.exit_code
    return print_outcome(outcome, "json")


if __name__ == "__main__":
    assert torch.get_num_threads() == 1
    serve()
