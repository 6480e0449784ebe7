"""Options and values that several commands share, with those that both programs have."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.verify.vocabulary import catalogue, vocabulary
from codex_evidence.command_line import Subparsers, add_format, given_path, print_json, print_lines
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.cache.store import Store

__all__ = [
    "Subparsers",
    "add_cache",
    "add_format",
    "add_jobs",
    "add_workflow",
    "catalogue",
    "check_folder",
    "given_path",
    "jobs_of",
    "print_json",
    "print_lines",
    "store_of",
    "vocabulary",
]


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """``--workflow``."""
    parser.add_argument(
        "--workflow", type=given_path, metavar="FILE", help="settings (default: workflow.yaml of the tree)"
    )


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """``--jobs``; None when not given."""
    parser.add_argument("--jobs", type=_count, metavar="N", help="how many processes (default: one a CPU)")


def add_cache(parser: argparse.ArgumentParser) -> None:
    """``--cache`` and ``--no-cache``."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--cache",
        type=given_path,
        metavar="DIR",
        help="where runs remember what they read (default: codex-audit in $XDG_CACHE_HOME or ~/.cache)",
    )
    group.add_argument("--no-cache", action="store_true", help="read everything anew and remember nothing")


def store_of(arguments: argparse.Namespace, tree: Path) -> Store | None:
    """The cache that a run on ``tree`` may use."""
    from codex_audit.cache.place import find_store

    return None if arguments.no_cache else find_store(os.environ, tree, arguments.cache)


def jobs_of(arguments: argparse.Namespace) -> int:
    """How many processes may work at once."""
    return int(arguments.jobs or len(os.sched_getaffinity(0)))


def check_folder(path: Path) -> None:
    """Raises UsageError unless ``path`` is a folder."""
    if not path.is_dir():
        what = "is no folder" if os.path.lexists(path) else "does not exist"
        raise UsageError(f"{path} {what}; give the folder of a repository")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1024")
    return int(text)
