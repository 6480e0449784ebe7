"""What the commands of both programs do alike: options, exit codes, one line for each error, text for a terminal.

Every start of a command loads this, ``--help`` included: it imports nothing that takes time.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from codex_evidence.errors import CodexError, UsageError

Subparsers = Any  # argparse gives what add_subparsers returns no public name


class CommandParser(argparse.ArgumentParser):
    """argparse, whose complaints end as those of the programs do: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def add_commands(self, modules: Iterable[ModuleType]) -> None:
        """The commands, each from the ``add_parser`` of its module, and ``--debug``, which shows the traceback of a
        bug: the line that tells of one names it, so that the help has room for the commands."""
        self.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
        # Long enough that argparse gives the longest name and its help one line.
        commands = self.add_subparsers(metavar="COMMAND [OPTION]", required=True)
        for module in modules:
            module.add_parser(commands)


def run_program(
    name: str,
    parse: Callable[[Sequence[str]], argparse.Namespace],
    argv: Sequence[str] | None,
    explain: Callable[[Exception], CodexError | None] = lambda _: None,
) -> int:
    """Carries out the command line ``argv`` (default: that of the process) and returns the exit code.

    What ``parse`` returns holds the function of the command as ``command``. An error that is none of CodexError is a
    bug of the program ``name`` unless ``explain`` knows better.
    """
    given = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names and texts may hold what the terminal's encoding lacks; that must not end a run.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(name, parse, given, explain)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 4
    return code


def _run(
    name: str,
    parse: Callable[[Sequence[str]], argparse.Namespace],
    argv: Sequence[str],
    explain: Callable[[Exception], CodexError | None],
) -> int:
    arguments: argparse.Namespace | None = None
    try:
        arguments = parse(argv)
        return int(arguments.command(arguments))
    except CodexError as error:
        return _fail(name, str(error), error.exit_code)
    except KeyboardInterrupt:
        # CPython ends by the signal when the interrupt came inside an exec, as dataclasses do it, though it was caught
        # since; the next exec makes it forget.
        exec("")  # noqa: S102
        return _fail(name, "interrupted", 4)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a bug is one line too
        if arguments is not None and arguments.debug:
            import traceback  # takes as long to load as all of this

            traceback.print_exc()
        if known := explain(error):
            return _fail(name, str(known), known.exit_code)
        kind = type(error).__name__
        return _fail(name, f"a bug of this program ({kind}: {error}); {name} --debug ... shows where", 3)


def _fail(name: str, message: str, code: int) -> int:
    line = printable(" ".join(message.splitlines()))
    print(f"{name}: error: {line}", file=sys.stderr)
    return code


def add_format(parser: argparse.ArgumentParser) -> None:
    """``--format``: for people, or one JSON document on stdout."""
    parser.add_argument(
        "--format", choices=("rich", "json"), default="rich", help="for people, or one JSON document"
    )


def given_path(text: str) -> Path:
    """A path as an argument. An empty one is an unset variable of some script and never means the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; give one, or leave it out")
    return Path(text)


def printable(text: str) -> str:
    """``text`` on one line, harmless to a terminal: what a foreign folder holds may be anything."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def print_lines(lines: Iterable[str]) -> None:
    """Each of ``lines`` on stdout, made printable."""
    for line in lines:
        print(printable(line))


def print_json(value: Any) -> None:
    """``value`` as one JSON document on stdout."""
    import json

    print(json.dumps(value, indent=2))
