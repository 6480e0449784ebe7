"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.programs import version_of


def machine_lines(jobs: int) -> Iterator[str]:
    """Markdown list: processor, memory, kernel, versions, day, and how busy the machine was."""
    cores = len(os.sched_getaffinity(0))
    yield f"- processor: {_first(Path('/proc/cpuinfo'), 'model name')}, {cores} cores, {jobs} used"
    yield f"- memory: {int(_first(Path('/proc/meminfo'), 'MemTotal').split()[0]) / 2**20:.1f} GiB"
    yield f"- kernel: {platform.system()} {platform.release()}"
    yield f"- versions: Python {platform.python_version()}, {version_of('codex-audit')}, {version_of('ruff')}"
    yield f"- day: {datetime.now(UTC):%Y-%m-%d}; load average before the run: {os.getloadavg()[0]:.2f}"


def _first(file: Path, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", file.read_text(encoding="utf-8"), re.M)
    return found[1].strip() if found else "0 (not said)"
