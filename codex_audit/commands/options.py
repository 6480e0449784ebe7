"""Options and values that several commands share."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.cache.store import Store
    from codex_audit.capabilities.model import Capability
    from codex_audit.workflow.settings import Vocabulary

Subparsers = Any  # argparse gives what add_subparsers returns no public name


def add_format(parser: argparse.ArgumentParser) -> None:
    """``--format``: for people, or one JSON document on stdout."""
    parser.add_argument(
        "--format", choices=("rich", "json"), default="rich", help="for people, or one JSON document"
    )


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


def given_path(text: str) -> Path:
    """A path as an argument. An empty one is an unset variable of some script and never means the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; give one, or leave it out")
    return Path(text)


def check_folder(path: Path) -> None:
    """Raises UsageError unless ``path`` is a folder."""
    if not path.is_dir():
        what = "is no folder" if os.path.lexists(path) else "does not exist"
        raise UsageError(f"{path} {what}; give the folder of a repository")


class _ProbeIds(Collection[str]):
    """The ids of all probes, loaded when somebody looks: few settings name one, and loading takes longer than an
    audit that is remembered."""

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(probe.id for capability in catalogue() for probe in capability.probes)

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def catalogue() -> tuple[Capability, ...]:
    """All capabilities."""
    from codex_audit.capabilities.catalogue import CATALOGUE

    return CATALOGUE


def vocabulary() -> Vocabulary:
    """The names that a workflow may use in this version."""
    from codex_audit.reports.formats import FORMATS
    from codex_audit.workflow.settings import Vocabulary

    return Vocabulary(_ProbeIds(), tuple(row.name for row in FORMATS))


def printable(text: str) -> str:
    """``text`` on one line, harmless to a terminal: what a foreign tree holds may be anything."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def print_lines(lines: Iterable[str]) -> None:
    """Each of ``lines`` on stdout, made printable."""
    for line in lines:
        print(printable(line))


def print_json(value: Any) -> None:
    """``value`` as one JSON document on stdout."""
    print(json.dumps(value, indent=2))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1024")
    return int(text)
