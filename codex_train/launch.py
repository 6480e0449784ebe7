"""The jobs of a sweep, each in a fresh process, so that none inherits what another left in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import codex_train
from codex_evidence import strict_json
from codex_evidence.errors import CodexError, WriteError
from codex_evidence.files import read_bytes
from codex_train.config.sweep import Job

_MAX_BYTES = 2**26
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Ended:
    """``status`` is that of the run's manifest, or says how its process ended without one; ``exit_code`` is None for a
    job that never began; ``loss`` is the last held-out one in nats a target."""

    job: Job
    folder: Path
    exit_code: int | None
    status: str
    steps: int | None
    loss: float | None


@dataclass(slots=True)
class _Stop:
    """What a signal does: it goes on to the job at work, which saves and ends, and no other job begins."""

    asked: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None)

    def hear(self, number: int, _frame: object) -> None:
        self.asked = True
        if self.process is not None:
            self.process.send_signal(number)


def run_jobs(
    jobs: Sequence[Job], config: Path, folder: Path, begin: Callable[[Job], None], output: TextIO
) -> tuple[Ended, ...]:
    """Runs ``jobs`` in order, each into ``folder``/number; one that fails does not stop the others.

    ``begin`` is called before each; ``output`` gets what they print. Raises WriteError where ``folder`` cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {folder}: {error.strerror}") from error
    ended = []
    with _forwarding() as stop:
        for job in jobs:
            run = folder / str(job.number)
            if stop.asked:
                ended.append(Ended(job, run, None, "interrupted", None, None))
                continue
            begin(job)
            ended.append(_ended(job, run, _run_job(job, config, run, stop, output), stop.asked))
    return tuple(ended)


@contextmanager
def _forwarding() -> Iterator[_Stop]:
    stop = _Stop()
    former = {number: signal.signal(number, stop.hear) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _run_job(job: Job, config: Path, run: Path, stop: _Stop, output: TextIO) -> int:
    command = [
        sys.executable,
        "-P",
        "-m",
        "codex_train",
        "run",
        str(config),
        *job.overrides,
        "--folder",
        str(run),
    ]
    # A process group of its own: a Ctrl-C reaches the job once, through us, and not a second time from the terminal.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, env=_environment(), process_group=0
    ) as process:
        stop.process = process
        if stop.asked:  # the signal came while the process began
            process.terminate()
        code = process.wait()
        stop.process = None
    return code


def _environment() -> dict[str, str]:
    """Ours, and the way to this package where it is not installed: ``python -m`` in a checkout finds it in the current
    folder, and -P leaves that folder out for the job, as the installed command does."""
    root = str(Path(codex_train.__file__).resolve().parent.parent)
    if Path(sys.path[0] or os.curdir).resolve() != Path(root):
        return dict(os.environ)
    others = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, others)))}


def _ended(job: Job, run: Path, code: int, asked: bool) -> Ended:
    manifest = _newest_manifest(run)
    status = str(manifest.get("status", "")) if manifest else ""
    if code < 0:
        status = f"killed by {signal.Signals(-code).name}"
    elif asked and code:
        status = "interrupted"
    elif not status or (code and status in ("open", "finished")):
        status = "ended" if code == 0 else f"failed ({code})"
    steps = manifest.get("steps") if manifest else None
    last = steps.get("last") if isinstance(steps, dict) else None
    return Ended(job, run, code, status, last if isinstance(last, int) else None, _last_loss(run))


def _newest_manifest(run: Path) -> dict[str, Any] | None:
    """None where the run left none that can be read: the job's own line on stderr says why."""
    found = sorted((run / "segments").glob("*/manifest.json"))
    try:
        value = strict_json.loads(read_bytes(found[-1], max_bytes=_MAX_BYTES)) if found else None
    except CodexError:
        return None
    return value if isinstance(value, dict) else None


def _last_loss(run: Path) -> float | None:
    found = sorted((run / "segments").glob("*/metrics.ndjson"))
    try:
        lines = read_bytes(found[-1], max_bytes=_MAX_BYTES).splitlines() if found else []
        value = strict_json.loads(lines[-1]) if lines else {}
    except CodexError:
        return None
    loss = value.get("loss") if isinstance(value, dict) else None
    return float(loss) if isinstance(loss, int | float) else None
