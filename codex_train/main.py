"""The command ``codex-train``: one module a verb under ``commands``, errors and exit codes here.

Exit codes: 0 fine, 1 a failed check or run, 2 usage, configuration or unreadable input, 3 a bug of this program,
4 stale or interrupted. Nothing that ``--help`` loads imports torch, numpy or omegaconf.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from codex_evidence.errors import CodexError, UsageError
from codex_train.commands import (
    compare,
    data,
    doctor,
    generate,
    inspect,
    replay,
    resume,
    run,
    sweep,
    tokenizer,
)
from codex_train.commands import (
    eval as evaluate,
)
from codex_train.commands.options import printable

_DESCRIPTION = (
    "Train and fine-tune language models, and leave a run folder that proves how the weights came to be."
)
_EPILOG = "exit codes: 0 fine, 1 a failed check or run, 2 usage or unreadable input, 3 a bug, 4 stale or interrupted"

_TORCHRUN = "TORCHELASTIC_RUN_ID"

_EXTRA = frozenset(
    "datasets gguf matplotlib numpy omegaconf peft plotext psutil pynvml rouge_score sacrebleu safetensors tokenizers "
    "torch transformers".split()
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Reads the version when it is asked for: the metadata of packages take longer to load than all of this."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"{parser.prog} {version('codex-audit')}")
        except PackageNotFoundError as error:
            raise UsageError(
                "the version is unknown: codex-audit is not installed; pip install it"
            ) from error
        parser.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: that of the process) and returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Generated text and file names may hold what the terminal's encoding lacks; that must not end a run.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _left_alone()
    if _TORCHRUN in os.environ and "torch" in sys.modules:
        _end(code)
    return code


def _run(argv: Sequence[str]) -> int:
    arguments: argparse.Namespace | None = None
    try:
        arguments = _parse(argv)
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
        missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if missing in _EXTRA:
            return _fail(f"the package {missing} is not installed; pip install 'codex-audit[train]'", 2)
        kind = type(error).__name__
        return _fail(f"a bug of this program ({kind}: {error}); codex-train --debug ... shows where", 3)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """argparse takes positional arguments in one stretch; overrides may also stand after an option."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    overrides = getattr(arguments, "overrides", None)
    strange = [word for word in rest if overrides is None or word.startswith("-")]
    if strange:
        parser.error(f"unrecognized arguments: {' '.join(strange)}")
    if overrides is not None:
        arguments.overrides = [*overrides, *rest]
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="codex-train", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (
        run,
        resume,
        evaluate,
        generate,
        inspect,
        compare,
        replay,
        doctor,
        sweep,
        tokenizer,
        data,
    ):
        command.add_parser(commands)
    return parser


def _fail(message: str, code: int) -> int:
    line = printable(" ".join(message.splitlines()))
    print(f"codex-train: error: {line}", file=sys.stderr)
    return code


def _end(code: int) -> NoReturn:
    """Ends one of torchrun's processes at once: everything is written, and threads of gloo that are still there when
    the interpreter takes itself apart can abort a process whose work is done."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _left_alone() -> int:
    # The reader of our output went away. Python would complain once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 4
