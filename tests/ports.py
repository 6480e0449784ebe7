"""A port at which processes of a test can meet."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def meeting_port() -> int:
    """A TCP port of loopback at which nobody listens, below those that the kernel gives to connections.

    One of those may be given away before the first process listens at it; and a process that tries to reach the first
    one too early may be given that very port, and is then connected to itself (simultaneous open, RFC 9293, section
    3.5).
    """
    above = int(_EPHEMERAL.read_text().split()[0])
    ports = range(max(1024, above // 2), above)
    for port in random.SystemRandom().sample(ports, len(ports)):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"{_EPHEMERAL} leaves no port from 1024 up that is free: raise where it begins")
