"""``codex-audit hook``: one check of files that are about to be committed, for pre-commit or by hand."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.collection import without_collection
from codex_audit.commands.options import Subparsers, print_lines, vocabulary
from codex_evidence.errors import UnreadableError

if TYPE_CHECKING:
    from codex_audit.gates.problem import Problem

_MOST_SHOWN = 50


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("hook", help="one check of files that are about to be committed")
    hooks = parser.add_subparsers(metavar="NAME", required=True)
    files = argparse.ArgumentParser(add_help=False)
    files.add_argument(
        "files", nargs="*", metavar="FILE", help="what to check (default: all that git tracks)"
    )

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str, *, takes: bool) -> Subparsers:
        hook = hooks.add_parser(name, help=text, parents=[files] if takes else [])
        hook.set_defaults(command=without_collection()(command))
        return hook

    add("fences", fences, "Markdown fences are closed, nested right and name a language", takes=True)
    add("links", links, "relative links, images and anchors of Markdown lead somewhere", takes=True)
    artifacts_parser = add(
        "artifacts", artifacts, "no checkpoint, log, .env, key or large binary", takes=True
    )
    artifacts_parser.add_argument(
        "--max-kb", type=_kilobytes, default=500, metavar="N", help="largest binary file (default: 500)"
    )
    artifacts_parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="GLOB",
        help="files that are meant to be there, as in workflow.yaml's exclude; may be repeated",
    )
    add("runs", runs, "every run folder in git is what its manifests say", takes=False)
    add("current", current, "the audit in git fits the tree", takes=False)


def fences(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.fences import fence_problems
    from codex_audit.gates.repository import MARKDOWN, given_or_tracked, repository_around

    repository = repository_around(Path())
    paths, problems = given_or_tracked(repository, arguments.files, *MARKDOWN)
    return _end([*problems, *(one for path in paths for one in fence_problems(repository, path))])


def links(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.links import link_problems, places_of
    from codex_audit.gates.repository import MARKDOWN, given_or_tracked, repository_around

    repository = repository_around(Path())
    paths, problems = given_or_tracked(repository, arguments.files, *MARKDOWN)
    places = places_of(repository)
    return _end([*problems, *(one for path in paths for one in link_problems(places, path))])


def artifacts(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.committed import Limits, committed_problems
    from codex_audit.gates.repository import given_or_tracked, repository_around
    from codex_audit.listing.exclude import excluder

    repository = repository_around(Path())
    limits = Limits(excluder(arguments.allow), arguments.max_kb * 1024)
    paths, problems = given_or_tracked(repository, arguments.files)
    return _end([*problems, *committed_problems(repository, paths, limits)])


def runs(_: argparse.Namespace) -> int:
    from codex_audit.gates.repository import repository_around
    from codex_audit.gates.runs import committed_runs, run_problems

    repository = repository_around(Path())
    if not repository.has_git:
        raise UnreadableError("this folder is in no git repository; codex-audit verify checks a run folder")
    found = list(committed_runs(repository))
    return _end([one for run in found for one in run_problems(repository, run)])


def current(_: argparse.Namespace) -> int:
    from codex_audit.cache.place import find_store
    from codex_audit.gates.current import RUN_AGAIN, UNREAD, current_audit, uncommitted
    from codex_audit.gates.repository import repository_around

    store = find_store(os.environ, Path())
    found = current_audit(Path(), vocabulary(), len(os.sched_getaffinity(0)), store)
    verdict = found.verdict
    problems = list(uncommitted(repository_around(Path()), Path(), found.files))
    if verdict.word == "CONSISTENT" and found.unread:
        print_lines([UNREAD])
    if verdict.word == "CONSISTENT" and not problems:
        return 0
    shown = [f"{finding.file}: {finding.reason}" for finding in verdict.findings]
    _print([*shown, *map(str, problems)])
    print_lines([f"{verdict.word}: {verdict.summary}; {RUN_AGAIN}" if shown else RUN_AGAIN])
    return verdict.exit_code or 1


def _end(problems: list[Problem]) -> int:
    from codex_audit.gates.problem import exit_code

    _print(list(map(str, problems)))
    return exit_code(problems)


def _print(lines: list[str]) -> None:
    print_lines(lines[:_MOST_SHOWN])
    if len(lines) > _MOST_SHOWN:
        print_lines([f"and {len(lines) - _MOST_SHOWN} more"])


def _kilobytes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text[:40]!a} is no whole number of KiB")
    return int(text)
