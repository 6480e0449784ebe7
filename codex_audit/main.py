"""The command ``codex-audit``: one module a verb under ``commands``, errors and exit codes here.

Exit codes: 0 fine, 1 findings or a failed check, 2 usage, configuration or unreadable input, 3 a bug of this
program, 4 stale or interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import codex_audit
from codex_audit.commands import diff, explain, init, probes, run, verify
from codex_audit.commands.options import printable
from codex_evidence.errors import CodexError, UsageError

_DESCRIPTION = "Read a repository, say what it can do, and show the line that proves each verdict."
_EPILOG = "exit codes: 0 fine, 1 findings, 2 usage or unreadable input, 3 a bug, 4 stale or interrupted"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: that of the process) and returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # File names and excerpts may hold what the terminal's encoding lacks; that must not end a run.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        return _left_alone()
    return code


def _run(argv: Sequence[str]) -> int:
    arguments: argparse.Namespace | None = None
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.command(arguments))
    except CodexError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", 4)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is one line too
        if arguments is not None and arguments.debug:
            traceback.print_exc()
        kind = type(error).__name__
        return _fail(f"a bug of this program ({kind}: {error}); codex-audit --debug ... shows where", 3)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="codex-audit", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"codex-audit {codex_audit.__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (run, verify, explain, diff, probes, init):
        command.add_parser(commands)
    return parser


def _fail(message: str, code: int) -> int:
    line = printable(" ".join(message.splitlines()))
    print(f"codex-audit: error: {line}", file=sys.stderr)
    return code


def _left_alone() -> int:
    # The reader of our output went away. Python would complain once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 4
