"""The command ``codex-audit``: one module a verb under ``commands``.

Exit codes: 0 fine, 1 findings or a failed check, 2 usage, configuration or unreadable input, 3 a bug of this
program, 4 stale or interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType

import codex_audit
from codex_evidence.command_line import CommandParser, run_program

_NAME = "codex-audit"
_DESCRIPTION = "Say what a repository can do, and show the line that proves each verdict."
_EPILOG = "exit codes: 0 fine, 1 findings, 2 bad input, 3 a bug, 4 stale or interrupted"
_COMMANDS = (
    "run",
    "verify",
    "explain",
    "diff",
    "probes",
    "init",
    "scan",
    "release-check",
    "gate",
    "hook",
    "status-update",
    "tui",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: that of the process) and returns the exit code."""
    return run_program(_NAME, _parse, argv)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = CommandParser(prog=_NAME, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"{_NAME} {codex_audit.__version__}")
    parser.add_commands(_modules(argv))
    return parser.parse_args(argv)


def _modules(argv: Sequence[str]) -> Iterator[ModuleType]:
    """The module of the command that is called, else those of all: to load twelve takes as long as a hook works."""
    for name in argv[:1] if argv and argv[0] in _COMMANDS else _COMMANDS:
        yield import_module(f"codex_audit.commands.{name.replace('-', '_')}")
