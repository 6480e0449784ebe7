"""Starting and ending the process of a replay, with the variables that were recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import codex_train
from codex_train.recorder.environment import CLASS_VARIABLES

_BESIDE_CLASS = (
    "CUDA_LAUNCH_BLOCKING",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_SCHEDULE",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
)
"""Variables of the detail that are put back too. Those that number devices and processes are this machine's own."""
_OF_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PATIENCE = 60.0
"""Seconds that torchrun gets to end its processes."""


def child_environment(recorded: Mapping[str, Any], *, as_is: bool) -> dict[str, str]:
    """Variables for the child: ours, and unless ``as_is`` exactly the harmless ones that the environment record
    ``recorded`` names."""
    variables = {name: value for name, value in os.environ.items() if name not in _OF_TORCHRUN}
    if not as_is:
        told = {**recorded["detail"]["variables"], **recorded["class"]["variables"]}
        for name in (*CLASS_VARIABLES, *_BESIDE_CLASS):
            variables.pop(name, None)
            if name in told:
                variables[name] = told[name]
    return {**variables, "PYTHONPATH": _python_path()}


def _python_path() -> str:
    """The way to this package where it is not installed, then what there was, from any folder."""
    root = Path(codex_train.__file__).resolve().parent.parent
    installed = {Path(sysconfig.get_paths()[kind]).resolve() for kind in ("purelib", "platlib")}
    others = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    own = [] if root in installed else [str(root)]
    return os.pathsep.join([*own, *(str(Path(path).resolve()) for path in others)])


@contextmanager
def running(
    request: Path, world: int, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The child at work on ``request``, as ``world`` processes; what it prints goes to ``log``. Leaving ends it."""
    together = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(world), "-m"]
    command = [sys.executable, "-P", "-m", *(together if world > 1 else []), "codex_train.replay.child"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, str(request)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=request.parent,
            start_new_session=True,  # a Ctrl-C reaches it through us
        )
    try:
        yield process
    finally:
        _end(process, gently=world > 1)


def _end(process: subprocess.Popen[bytes], *, gently: bool) -> None:
    """Only torchrun knows its processes, so it is asked to end them; one process alone is killed."""
    if process.poll() is not None:
        return
    if gently:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    else:
        process.kill()
    process.wait()
