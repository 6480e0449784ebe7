"""Options and values that several commands share, with those that both programs have."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_evidence.command_line import (
    Subparsers,
    add_format,
    given_path,
    print_json,
    print_lines,
    printable,
)

if TYPE_CHECKING:
    from codex_train.engine.run import Outcome

__all__ = [
    "Subparsers",
    "add_config",
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


def add_config(parser: argparse.ArgumentParser, overrides: str) -> None:
    """The file of settings, and ``overrides``, which say what they are for."""
    parser.add_argument("config", type=given_path, metavar="CONFIG", help="a YAML file of settings")
    add_overrides(parser, overrides)


def add_overrides(parser: argparse.ArgumentParser, what: str) -> None:
    """``key=value ...``, which may stand before and after options."""
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=what)


def stamped(name: str) -> str:
    """``name`` with the time it is in UTC, to the second, for a folder."""
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def is_first_process() -> bool:
    """Whether this process speaks for all that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


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
