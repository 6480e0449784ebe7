"""Measure ``codex-audit tui``: its first paint beside an empty Textual application, and keys with 5,000 rows."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.document import add_write, count, finish, folder, note, table
from benchmarks.machine import machine_lines
from benchmarks.terminal import COLUMNS, ROWS, Terminal
from codex_audit.stages.places import artifact_path
from codex_evidence.canonical import canonical_bytes

PAINTED = b"\x1b[48;2;"
"""A cell with a background colour: the first thing that every theme of Textual paints."""
EMPTY = "from textual.app import App; App().run()"
FIRST_PAINT, KEY = 2.0, 0.100
TIMES = 40

KEYS: tuple[tuple[str, bytes, bytes], ...] = (
    ("one row down", b"2", b"\x1b[B"),
    ("a page down", b"2", b"\x1b[6~"),
    ("to the end, to the top", b"2", b"Gg"),
    ("a filter", b"2", b"f"),
    ("another page and back", b"1", b"21"),
    ("a letter of a search", b"2/", b"a\x7f"),
)
"""What is done, the keys that lead there, and the keys of it, pressed in turn."""


def grown(audit: Path, rows: int, into: Path) -> Path:
    """The audit in ``audit`` with its probes repeated under other names until there are ``rows``."""
    for name in ("capabilities_raw", "capabilities_scored", "gaps", "context_index", "facets"):
        value: dict[str, Any] = json.loads((audit / artifact_path(name)).read_bytes())
        if name == "capabilities_raw":
            _repeat(value, rows)
        file = into / artifact_path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(canonical_bytes(value))
    return into


def _repeat(raw: dict[str, Any], rows: int) -> None:
    probes = [(owner, probe) for owner in raw["capabilities"] for probe in owner["probes"]]
    for number in range(rows - len(probes)):
        owner, probe = probes[number % len(probes)]
        owner["probes"].append({**probe, "id": f"{probe['id']}-{number}"})


def starts(audit: Path, repeat: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the first paint of an empty application and of the TUI, and until the TUI shows its matrix."""
    empty, first, matrix = [], [], []
    command = [sys.executable, "-m", "codex_audit", "tui", str(audit)]
    for number in range(repeat + 1):
        terminal = Terminal([sys.executable, "-c", EMPTY])
        took = terminal.until(PAINTED)
        terminal.close()
        terminal = Terminal(command)
        painted = terminal.until(PAINTED)
        shown = terminal.until(b"Capability")
        terminal.close()
        if number:  # the first round only warms the disk's cache
            empty.append(took)
            first.append(painted)
            matrix.append(shown)
    return empty, first, matrix


def answers(audit: Path, rows: int) -> Iterator[tuple[str, list[float]]]:
    """Seconds from each key to the end of its repaint."""
    terminal = Terminal([sys.executable, "-m", "codex_audit", "tui", str(audit)])
    try:
        terminal.until(b"Capability")
        for name, there, keys in KEYS:
            note(f"{rows:,} rows: {name}")
            for key in there:
                terminal.press(bytes([key]))
            each = [keys] if keys.startswith(b"\x1b") else [bytes([key]) for key in keys]
            yield name, [terminal.press(each[number % len(each)]) for number in range(TIMES)]
            terminal.send(b"\x1b")
            time.sleep(0.5)  # or the next key would be Alt and that key
    finally:
        terminal.close()


def report(audit: Path, rows: int, repeat: int) -> str:
    """The section of the document."""
    with tempfile.TemporaryDirectory() as name:
        large = grown(audit, rows, Path(name))
        note("first paint")
        empty, first, matrix = starts(audit, repeat)
        measured = dict(answers(large, rows))
    ratio = median(first) / median(empty)
    starting = table(
        ("start, the median of the rounds", "seconds", "of the empty one"),
        [
            ("an empty Textual application, first paint", f"{median(empty):.3f}", "1.00"),
            ("codex-audit tui, first paint", f"{median(first):.3f}", f"{ratio:.2f}"),
            (
                "codex-audit tui, the matrix is on the screen",
                f"{median(matrix):.3f}",
                f"{median(matrix) / median(empty):.2f}",
            ),
        ],
    )
    every = [one for several in measured.values() for one in several]
    lines = [*measured.items(), ("all of them", every)]
    keyed = table(
        (f"key to repaint, {rows:,} rows", "median ms", "p95 ms", "worst ms"),
        [
            (name, *(f"{1000 * one:.0f}" for one in (median(times), p95(times), max(times))))
            for name, times in lines
        ],
    )
    aims = (
        f"First paint at most {FIRST_PAINT:g} times that of an empty application: {_met(ratio <= FIRST_PAINT)}. "
        f"Key to repaint at most {1000 * KEY:.0f} ms at p95: {_met(p95(every) <= KEY)}."
    )
    return "\n".join(
        ["## Terminal", "", *machine_lines(1), f"- terminal: {COLUMNS} by {ROWS}", "", starting, keyed, aims]
    )


def _met(aim: bool) -> str:
    return "met" if aim else "missed"


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(times, n=20, method="inclusive")[-1]


def main() -> int:
    """The command; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tui", description=__doc__)
    parser.add_argument("audit", type=folder, metavar="DIR", help="a folder that holds an audit")
    parser.add_argument("--rows", type=count, default=5_000)
    parser.add_argument("--repeat", type=count, default=7)
    add_write(parser)
    arguments = parser.parse_args()
    text = report(arguments.audit, arguments.rows, arguments.repeat)
    finish("tui", text, arguments.write)
    return int("missed" in text)


if __name__ == "__main__":
    sys.exit(main())
