"""A program inside a pseudo-terminal, and the moments at which it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence

from benchmarks.processes import installed

ROWS, COLUMNS = 24, 80
STILL = 0.08
"""Seconds without output after which a repaint counts as over."""


class Terminal:
    """``command`` in a terminal of COLUMNS by ROWS that knows 24-bit colours. ``began`` is when it was started, on the
    monotonic clock."""

    def __init__(self, command: Sequence[str]) -> None:
        self.began = time.monotonic()
        self.output = b""
        self._process, self._terminal = pty.fork()
        if self._process == 0:  # pragma: no cover - another process
            environment = {**installed(os.environ), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            try:
                os.execve(command[0], list(command), environment)  # noqa: S606 - a fixed command, no shell
            finally:
                os._exit(127)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def until(self, mark: bytes, seconds: float = 60.0) -> float:
        """Seconds from the start until ``mark`` was written. Raises TimeoutError."""
        while mark not in self.output:
            left = self.began + seconds - time.monotonic()
            if left <= 0 or not self._read(left):
                raise TimeoutError(f"the program never wrote {mark!r}")
        return time.monotonic() - self.began

    def press(self, keys: bytes) -> float:
        """Seconds from ``keys`` until the last byte of what they made the program write. Raises TimeoutError where it
        writes nothing within five seconds."""
        while self._read(STILL):
            pass
        began = time.monotonic()
        self.send(keys)
        if not self._read(5.0):
            raise TimeoutError(f"the keys {keys!r} changed nothing")
        last = time.monotonic()
        while self._read(STILL):
            last = time.monotonic()
        return last - began

    def send(self, keys: bytes) -> None:
        """Presses ``keys`` and waits for nothing."""
        os.write(self._terminal, keys)

    def close(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def _read(self, seconds: float) -> bool:
        """Whether something was written within so many seconds."""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # the program has ended
            return False
        self.output += data
        return bool(data)
