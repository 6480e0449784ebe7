"""The command ``codex-audit``: one module a verb under ``commands``.

Exit codes: 0 fine, 1 findings or a failed check, 2 usage, configuration or unreadable input, 3 a bug of this
program, 4 stale or interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import codex_audit
from codex_audit.commands import (
    diff,
    explain,
    gate,
    hook,
    init,
    probes,
    release_check,
    run,
    scan,
    status_update,
    tui,
    verify,
)
from codex_evidence.command_line import CommandParser, run_program

_NAME = "codex-audit"
_DESCRIPTION = "Say what a repository can do, and show the line that proves each verdict."
_EPILOG = "exit codes: 0 fine, 1 findings, 2 bad input, 3 a bug, 4 stale or interrupted"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: that of the process) and returns the exit code."""
    return run_program(_NAME, _parse, argv)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = CommandParser(prog=_NAME, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"{_NAME} {codex_audit.__version__}")
    parser.add_commands(
        (run, verify, explain, diff, probes, init, scan, release_check, gate, hook, status_update, tui)
    )
    return parser.parse_args(argv)
