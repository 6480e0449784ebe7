"""The command ``codex-train``: one module a verb under ``commands``.

Exit codes: 0 fine, 1 a failed check or run, 2 usage, configuration or unreadable input, 3 a bug of this program,
4 stale or interrupted. Nothing that ``--help`` loads imports torch, numpy or omegaconf.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from codex_evidence.command_line import CommandParser, run_program
from codex_evidence.errors import UsageError
from codex_train.commands import (
    compare,
    data,
    doctor,
    generate,
    inspect,
    merge,
    replay,
    resume,
    run,
    sweep,
    tokenizer,
)
from codex_train.commands import (
    eval as evaluate,
)

_NAME = "codex-train"
_DESCRIPTION = (
    "Train and fine-tune language models, and leave a run folder that proves how the weights came to be."
)
_EPILOG = "exit codes: 0 fine, 1 a failed check or run, 2 usage or unreadable input, 3 a bug, 4 stale or interrupted"

_TORCHRUN = "TORCHELASTIC_RUN_ID"

_EXTRA = frozenset(
    "datasets gguf matplotlib numpy omegaconf peft plotext psutil pynvml rouge_score sacrebleu safetensors tokenizers "
    "torch transformers".split()
)


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
    code = run_program(_NAME, _parse, argv, _lacking)
    if _TORCHRUN in os.environ and "torch" in sys.modules:
        _end(code)
    return code


def _lacking(error: Exception) -> UsageError | None:
    """The package of the extra ``train`` that is not there; None where that is not what is wrong."""
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing not in _EXTRA:
        return None
    return UsageError(f"the package {missing} is not installed; pip install 'codex-audit[train]'")


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


def _parser() -> CommandParser:
    parser = CommandParser(prog=_NAME, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_commands(
        (run, resume, evaluate, generate, merge, inspect, compare, replay, doctor, sweep, tokenizer, data)
    )
    return parser


def _end(code: int) -> NoReturn:
    """Ends one of torchrun's processes at once: everything is written, and threads of gloo that are still there when
    the interpreter takes itself apart can abort a process whose work is done."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
