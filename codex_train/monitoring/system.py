"""Figures of the machine at a set interval, taken in a thread that a run can forget about."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import UsageError, WriteError
from codex_evidence.names import shown
from codex_evidence.plain import to_plain
from codex_train.monitoring.gpu import Gpus, GpuSample, find_gpus

SCHEMA = "codex-train/run_system/v1"
MOST_BYTES = 64 * 2**20
_LONGEST_NOTE = 300
_JOIN_SECONDS = 0.9
# A last line written later may say more seconds, in more digits.
_SLACK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRecord:
    """One line of ``system.ndjson``. Figures are None in a line that only says something, in ``note``."""

    time: str
    seconds: float
    cpu_percent: float | None = None
    process_cpu_percent: float | None = None
    process_rss_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    gpus: tuple[GpuSample, ...] = ()
    note: str = ""
    schema: str = SCHEMA


class Machine:
    """Asks psutil and NVML. A share of processor time is that since the question before, so the first has none."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._process = psutil.Process()
        self._started = time.monotonic()
        self._asked = False
        self.gpus: Gpus = find_gpus()

    def sample(self, note: str = "") -> SystemRecord:
        """The machine now. Raises what psutil raises."""
        everything, own = self._psutil.cpu_percent(None), self._process.cpu_percent(None)
        known, self._asked = self._asked, True
        memory = self._psutil.virtual_memory()
        return SystemRecord(
            **self._moment(),
            cpu_percent=everything if known else None,
            process_cpu_percent=own if known else None,
            process_rss_bytes=self._process.memory_info().rss,
            memory_used_bytes=memory.used,
            memory_total_bytes=memory.total,
            gpus=self.gpus.sample(),
            note=note,
        )

    def say(self, note: str) -> SystemRecord:
        """A line without figures."""
        return SystemRecord(**self._moment(), note=note)

    def _moment(self) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"time": now, "seconds": round(time.monotonic() - self._started, 3)}


@dataclass(slots=True)
class SystemMonitor:
    """Writes a SystemRecord a line into the new file ``path``, at once and then every ``interval`` seconds (0: no file
    and no thread), and stops by itself before the file has more than ``most_bytes``.

    Entering raises WriteError for a file that cannot be made and UsageError without psutil. After that nothing reaches
    the run: ``fault`` tells what went wrong in the thread, if anything did.
    """

    path: Path
    interval: float
    most_bytes: int = MOST_BYTES
    fault: str = field(default="", init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        if self.interval <= 0:
            return self
        try:
            psutil = import_module("psutil")
        except ImportError as error:
            raise UsageError(
                f"monitoring.interval={self.interval:g} needs psutil ({error}); "
                "pip install psutil, or set monitoring.interval=0"
            ) from error
        file = _created(self.path)
        self._thread = threading.Thread(
            target=self._run, args=(psutil, file), name="codex-train system monitor", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            # A driver that hangs keeps its thread; the run need not wait for it.
            self._thread.join(_JOIN_SECONDS)

    def _run(self, psutil: Any, file: BinaryIO) -> None:
        # The thread owns the file: whoever waits no longer must not close it under a late write.
        try:
            with file:
                self._watch(Machine(psutil), file)
        except Exception as error:  # noqa: BLE001 - nothing in here may end a run
            self.fault = _told(error)

    def _watch(self, machine: Machine, file: BinaryIO) -> None:
        room = self.most_bytes - _SLACK
        note, due = machine.gpus.absent, time.monotonic()
        try:
            while True:
                line = _line(self._sampled(machine, note))
                last = _line(machine.say(f"stopped: the file may have {self.most_bytes} bytes"))
                if len(line) + len(last) > room:
                    if len(last) <= room + _SLACK:
                        _put(file, last)
                    return
                _put(file, line)
                room, note = room - len(line), ""
                due = max(
                    due + self.interval, time.monotonic()
                )  # late samples are left out, not caught up with
                if self._stop.wait(due - time.monotonic()):
                    return
        finally:
            machine.gpus.close()

    def _sampled(self, machine: Machine, note: str) -> SystemRecord:
        """A record; one that tells what went wrong the first time that sampling fails, and a bare one later."""
        try:
            return machine.sample(note)
        except Exception as error:  # noqa: BLE001 - a figure less is no reason to end a run
            told, self.fault = self.fault, _told(error)
            return machine.say("" if told else "; ".join(filter(None, (note, self.fault))))


def _created(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0)
    except OSError as error:
        raise WriteError(f"cannot write {shown(path)}: {error.strerror}") from error


def _put(file: BinaryIO, line: bytes) -> None:
    """Writes ``line`` whole or, on a full disk, not at all."""
    place = file.tell()
    try:
        if file.write(line) == len(line):
            return
        raise WriteError("only a part of a line could be written; is the disk full?")
    except OSError:
        file.truncate(place)
        raise


def _line(record: SystemRecord) -> bytes:
    return canonical_bytes(to_plain(record)) + b"\n"


def _told(error: Exception) -> str:
    text = f"sampling failed: {type(error).__name__}: {error}"[:_LONGEST_NOTE]
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
