"""Options and values that several commands share."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_train.screens.text import printable

if TYPE_CHECKING:
    from codex_train.engine.run import Outcome

__all__ = [
    "Subparsers",
    "add_format",
    "add_overrides",
    "given_path",
    "is_first_process",
    "print_json",
    "print_lines",
    "print_outcome",
    "printable",
    "stamped",
]

Subparsers = Any  # argparse gives what add_subparsers returns no public name


def add_format(parser: argparse.ArgumentParser) -> None:
    """``--format``: for people, or one JSON document on stdout."""
    parser.add_argument(
        "--format", choices=("rich", "json"), default="rich", help="for people, or one JSON document"
    )


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """``key=value ...``, which may stand before and after options."""
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=what)


def given_path(text: str) -> Path:
    """A path as an argument. An empty one is an unset variable of some script and never means the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; give one, or leave it out")
    return Path(text)


def stamped(name: str) -> str:
    """``name`` with the time it is in UTC, to the second, for a folder."""
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def is_first_process() -> bool:
    """Whether this process speaks for all that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def print_lines(lines: Iterable[str]) -> None:
    """Each of ``lines`` on stdout, made printable."""
    for line in lines:
        print(printable(line))


def print_json(value: Any) -> None:
    """``value`` as one JSON document on stdout."""
    print(json.dumps(value, indent=2))


def print_outcome(outcome: Outcome, style: str) -> int:
    """How a run ended, once however many processes there are; returns the exit code."""
    if is_first_process():
        if style == "json":
            print_json(
                {
                    "status": outcome.status,
                    "reason": outcome.reason,
                    "notes": list(outcome.notes),
                    "folder": str(outcome.folder),
                    "exit_code": outcome.exit_code,
                }
            )
        else:
            reason = f": {outcome.reason}" if outcome.reason else ""
            print_lines([*outcome.notes, f"{outcome.status}{reason}", f"run  {outcome.folder}"])
        sys.stdout.flush()
    return outcome.exit_code
