"""``codex-train sweep``: a run for each combination of settings, one after another."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_evidence.errors import UsageError
from codex_train.commands.options import (
    Subparsers,
    add_config,
    add_format,
    given_path,
    print_json,
    print_lines,
    printable,
    stamped,
)

if TYPE_CHECKING:
    from codex_train.config.sweep import Job
    from codex_train.launch import Ended

_HEADINGS = ("job", "status", "steps", "held-out loss", "settings")


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("sweep", help="run a configuration with several values of its settings")
    add_config(parser, "values to try: key=a,b or key=choice(a,b), range(start,stop,step), sort(...)")
    parser.add_argument(
        "--folder", type=given_path, metavar="DIR", help="for the runs 0, 1, ... (default: sweeps/NAME-TIME)"
    )
    parser.add_argument("--dry-run", action="store_true", help="check and print the jobs, start none")
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.config.load import load_config
    from codex_train.config.sweep import sweep_jobs
    from codex_train.launch import run_jobs

    jobs = sweep_jobs(arguments.overrides)
    # Every job's settings before the first job: a mistake in the last must not come to light after a night.
    names = [load_config(arguments.config, job.overrides).config.name for job in jobs]
    folder = arguments.folder or Path("sweeps") / stamped(names[0])
    if arguments.dry_run:
        _show_jobs(jobs, arguments.config, folder, arguments.format)
        return 0
    _check_folder(folder)
    output = sys.stderr if arguments.format == "json" else sys.stdout

    def begin(job: Job) -> None:
        line = f"job {job.number} of {len(jobs)}: {' '.join(job.varied)}"
        print(printable(line), file=output, flush=True)

    ended = run_jobs(jobs, arguments.config, folder, begin, output)
    if arguments.format == "json":
        print_json({"folder": str(folder), "jobs": [_document(one) for one in ended]})
    else:
        print_lines(_table(ended))
        print_lines([f"sweep  {folder}"])
    return max((4 if one.status == "interrupted" else int(one.exit_code != 0) for one in ended), default=0)


def _check_folder(folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give another --folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; give another --folder")


def _show_jobs(jobs: Sequence[Job], config: Path, folder: Path, style: str) -> None:
    if style == "json":
        print_json({"folder": str(folder), "jobs": [_plan(job, folder) for job in jobs]})
        return
    for job in jobs:
        words = ["codex-train", "run", str(config), *job.overrides, "--folder", str(folder / str(job.number))]
        print_lines([shlex.join(words)])


def _plan(job: Job, folder: Path) -> dict[str, Any]:
    return {"job": job.number, "overrides": list(job.overrides), "folder": str(folder / str(job.number))}


def _document(ended: Ended) -> dict[str, Any]:
    return {
        **_plan(ended.job, ended.folder.parent),
        "status": ended.status,
        "exit_code": ended.exit_code,
        "steps": ended.steps,
        "loss": ended.loss,
    }


def _table(ended: Sequence[Ended]) -> Iterator[str]:
    rows = [_HEADINGS, *(_row(one) for one in ended)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(one: Ended) -> tuple[str, ...]:
    steps = "-" if one.steps is None else str(one.steps)
    loss = "-" if one.loss is None else f"{one.loss:.4f}"
    return str(one.job.number), one.status, steps, loss, " ".join(one.job.varied)
