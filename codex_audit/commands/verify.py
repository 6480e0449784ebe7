"""``codex-audit verify``: whether an audit is whole, current and true, or a training run what it says."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.commands.options import (
    Subparsers,
    add_format,
    add_jobs,
    add_workflow,
    check_folder,
    given_path,
    jobs_of,
    print_json,
    print_lines,
    vocabulary,
)
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.verify.run import RunVerdict
    from codex_audit.verify.verdict import Verdict

_MOST_SHOWN = 50


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("verify", help="say whether an audit or a training run is what it says")
    parser.add_argument(
        "folder",
        nargs="?",
        type=given_path,
        default=Path(),
        metavar="DIR",
        help="the output folder of an audit, or a run folder (default: here)",
    )
    parser.add_argument(
        "--tree", type=given_path, metavar="PATH", help="the audited tree, if it is not DIR itself"
    )
    add_workflow(parser)
    parser.add_argument("--rerun", action="store_true", help="audit the tree again and compare every byte")
    parser.add_argument(
        "--expect-head", type=_digest, metavar="DIGEST", help="refuse any other head of the chain"
    )
    add_format(parser)
    add_jobs(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    check_folder(arguments.folder)
    verdict = _run_verdict(arguments) if _is_run(arguments.folder) else _audit_verdict(arguments)
    if arguments.format == "json":
        print_json(_document(verdict))
    else:
        print_lines(_lines(verdict))
    return verdict.exit_code


def _is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a training run and no audit."""
    from codex_audit.stages.places import ARTIFACTS_FOLDER
    from codex_evidence.run_verify import is_run

    return is_run(folder) and not (folder / ARTIFACTS_FOLDER).exists()


def _run_verdict(arguments: argparse.Namespace) -> RunVerdict:
    from codex_audit.verify.run import verify_run_folder

    for option in ("tree", "workflow", "rerun"):
        if getattr(arguments, option):
            raise UsageError(
                f"--{option} is for audits, and {arguments.folder} is a training run; leave it out"
            )
    return verify_run_folder(arguments.folder, arguments.expect_head or "")


def _audit_verdict(arguments: argparse.Namespace) -> Verdict:
    from codex_audit.capabilities.catalogue import CATALOGUE
    from codex_audit.verify.audit import Question, verify_audit

    if arguments.tree is not None:
        check_folder(arguments.tree)
    question = Question(
        folder=arguments.folder,
        tree=arguments.tree,
        workflow_file=arguments.workflow,
        expected_head=arguments.expect_head or "",
        rerun=arguments.rerun,
        catalogue=CATALOGUE,
        names=vocabulary(),
        jobs=jobs_of(arguments),
    )
    return verify_audit(question)


def _lines(verdict: Verdict | RunVerdict) -> Iterator[str]:
    yield f"{verdict.word}: {verdict.summary}"
    for finding in verdict.findings[:_MOST_SHOWN]:
        yield f"  {finding.file}: {finding.reason}"
    if len(verdict.findings) > _MOST_SHOWN:
        yield f"  and {len(verdict.findings) - _MOST_SHOWN} more; --format json lists all"
    yield from (f"  {note}" for note in verdict.notes)
    if verdict.head:
        yield f"  head {verdict.head}"
    if verdict.weakest_link:
        yield f"  weakest link: {verdict.weakest_link}"


def _document(verdict: Verdict | RunVerdict) -> dict[str, object]:
    return {
        "verdict": verdict.word,
        "summary": verdict.summary,
        "exit_code": verdict.exit_code,
        "head": verdict.head,
        "findings": [{"file": finding.file, "reason": finding.reason} for finding in verdict.findings],
        "notes": list(verdict.notes),
        "weakest_link": verdict.weakest_link,
    }


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!a} is not a digest of 64 hexadecimal digits")
    return text.lower()
