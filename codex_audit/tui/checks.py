"""Verifying what is shown, one thing after the other; the checks are those of ``codex-audit verify``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from codex_audit.tui.world import World
from codex_audit.verify.verdict import Finding
from codex_evidence.errors import CodexError

State = Literal["waiting", "working", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """The verification of one audit or run. ``since`` is when it began, on the monotonic clock; ``word`` the verdict's,
    or why there is none; ``rerun`` whether the audit is made again and compared, ``stage`` the one that this is in and
    ``stage_since`` when it began."""

    folder: Path
    kind: Literal["audit", "run"]
    name: str
    rerun: bool = False
    state: State = "waiting"
    since: float = 0.0
    stage: str = ""
    stage_since: float = 0.0
    seconds: float = 0.0
    word: str = ""
    summary: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    head: str = ""
    weakest_link: str = ""


def subjects(world: World, *, rerun: bool) -> tuple[Check, ...]:
    """What there is to verify: the audit, and every run."""
    audit = [Check(world.folder, "audit", world.folder.resolve().name, rerun)] if world.audit.there else []
    return (*audit, *(Check(run.folder, "run", run.name) for run in world.runs))


def carry_out(
    checks: tuple[Check, ...],
    tree: Path,
    ended: Callable[[], bool],
    tell: Callable[[tuple[Check, ...]], object],
) -> None:
    """Tells ``checks`` whenever one of them begins, enters a stage or is done, one after the other. Stops early,
    between two, once ``ended``."""
    state = list(checks)

    def put(index: int, check: Check) -> None:
        state[index] = check
        tell(tuple(state))

    for index, check in enumerate(checks):
        if ended():
            return
        _carry_out(check, tree, partial(put, index))


def _carry_out(check: Check, tree: Path, tell: Callable[[Check], None]) -> None:
    begun = replace(check, state="working", since=time.monotonic())
    tell(begun)
    try:
        done = _verified(
            begun, tree, lambda stage: tell(replace(begun, stage=stage, stage_since=time.monotonic()))
        )
    except CodexError as error:
        done = replace(begun, state="failed", word="not verified", summary=str(error))
    tell(replace(done, seconds=time.monotonic() - begun.since))


def _verified(check: Check, tree: Path, tell: Callable[[str], None]) -> Check:
    from codex_audit.capabilities.catalogue import CATALOGUE
    from codex_audit.verify.audit import Question, verify_audit
    from codex_audit.verify.run import RunVerdict, verify_run_folder
    from codex_audit.verify.verdict import Verdict
    from codex_audit.verify.vocabulary import vocabulary

    if check.kind == "run":
        verdict: Verdict | RunVerdict = verify_run_folder(check.folder)
    else:
        other = None if tree == check.folder else tree
        # One job: further processes would be forked out of a program with threads.
        verdict = verify_audit(
            Question(check.folder, other, None, "", check.rerun, CATALOGUE, vocabulary(), 1, tell)
        )
    return replace(
        check,
        state="done",
        word=verdict.word,
        summary=verdict.summary,
        findings=verdict.findings,
        notes=verdict.notes,
        head=verdict.head,
        weakest_link=verdict.weakest_link,
    )
