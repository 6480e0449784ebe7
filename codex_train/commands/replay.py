"""``codex-train replay``: run a recorded run again and say whether it gives the same bits."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_evidence.errors import UsageError
from codex_train.commands.options import Subparsers, add_format, given_path, print_json, print_lines

if TYPE_CHECKING:
    from codex_train.replay.replay import Answer

_CODES = {"identical": 0, "differs": 1, "not comparable": 2}


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("replay", help="run a recorded run again and compare it to the bit")
    parser.add_argument("folder", type=given_path, metavar="RUN", help="the run folder")
    parser.add_argument(
        "--as-is", action="store_true", help="keep this machine's settings instead of the recorded ones"
    )
    parser.add_argument(
        "--keep",
        type=given_path,
        metavar="FOLDER",
        help="a new folder for the replay (default: a temporary one)",
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {what}; give a run folder, which `codex-train run` made")
    keep: Path | None = arguments.keep
    if keep is not None and os.path.lexists(keep) and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there and not empty; give a new folder to --keep")
    from codex_train.replay.replay import replay_run

    def told(line: str) -> None:
        if arguments.format != "json":
            print_lines([line])

    with _ending_on_signals(), tempfile.TemporaryDirectory(prefix="codex-train-replay-") as scratch:
        answer = replay_run(folder, keep or Path(scratch), as_is=arguments.as_is, told=told)
    if arguments.format == "json":
        print_json(_plain(answer, keep))
    else:
        print_lines(_lines(answer, keep))
    return _CODES[answer.verdict]


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """SIGTERM and a lost terminal end this as Ctrl-C does, so that the process at work is ended too."""

    def hear(number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _lines(answer: Answer, keep: Path | None) -> Iterator[str]:
    place = f" at step {answer.step}" if answer.step is not None else ""
    yield f"{answer.verdict}{place}: {answer.reason}"
    if answer.verdict == "differs":
        yield f"the same before: {answer.steps} steps, {answer.states} states, {answer.evaluations} evaluations"
        if answer.tensors:
            more = ", ..." if len(answer.tensors) > 8 else ""
            yield f"tensors  {', '.join(answer.tensors[:8])}{more}"
    if keep is not None:
        yield f"replay   {keep}"


def _plain(answer: Answer, keep: Path | None) -> dict[str, Any]:
    return {**dataclasses.asdict(answer), "folder": str(keep) if keep is not None else None}
