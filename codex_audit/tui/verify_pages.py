"""Pages of verification: what there is to verify and how far it is, and one result."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from codex_audit.progress import DOING
from codex_audit.tui import words
from codex_audit.tui.audit_pages import warnings
from codex_audit.tui.checks import Check
from codex_audit.tui.page import (
    Block,
    Column,
    Page,
    Piece,
    Row,
    Table,
    Tone,
    Where,
    blank,
    cell,
    heading,
    piece,
    row,
    text,
)
from codex_audit.tui.world import World

_WORDS: dict[str, Tone] = {"CONSISTENT": "good", "STALE": "fair", "INTERRUPTED": "fair", "INVALID": "bad"}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MOST = 200
_BAR = 20  # cells


def verify(world: World, checks: Sequence[Check]) -> Page:
    """What was verified, or is being verified, with the chain that is on disk."""
    blocks: list[Block] = []
    if checks:
        blocks += _progress(checks)
        columns = (
            Column("", 5),
            Column("What"),
            Column("Verdict", 13),
            Column("Findings", 8, right=True),
            Column("Time", 8, right=True),
        )
        blocks += [blank(), Table(columns, tuple(_check_row(index, one) for index, one in enumerate(checks)))]
    elif world.audit.there or world.runs:
        blocks.append(
            text(
                "Nothing was verified yet. ", piece("v", "accent"), " verifies the audit and every run here; "
            )
        )
        blocks.append(text(piece("V", "accent"), " also audits the tree again and compares every byte."))
    else:
        blocks.append(text(piece(f"There is nothing to verify in {world.folder}.", "strong")))
    blocks += _chain(world)
    return Page("Verify", (*blocks, *warnings(world.audit)))


def subject(world: World, checks: Sequence[Check], number: int) -> Page:
    """One result in full."""
    if not 0 <= number < len(checks):
        return Page("Verify", (text("This result is gone; verify again."),))
    check = checks[number]
    return Page(
        f"Verify: {check.kind} {check.name}",
        (
            text(piece(f"{check.kind} {check.name}", "strong"), piece(f"   {check.folder}", "dim")),
            blank(),
            *result_lines(check),
        ),
    )


def result_lines(check: Check, indent: int = 2) -> Iterator[Block]:
    """What a verification said, the verdict first and the weakest link last."""
    if check.state in ("waiting", "working"):
        said = "It is being verified" if check.state == "working" else "It waits to be verified"
        yield text(f"{said}: {_stage(check)}." if check.stage else f"{said}.", indent=indent)
        return
    yield text(piece(check.word, _WORDS.get(check.word, "bad")), f": {check.summary}", indent=indent)
    for finding in check.findings[:_MOST]:
        yield text(piece(finding.file, "strong"), f": {finding.reason}", indent=2, hang=2)
    if len(check.findings) > _MOST:
        yield text(
            f"and {len(check.findings) - _MOST} more; codex-audit verify --format json lists all", indent=2
        )
    yield from (text(note, indent=2, hang=2) for note in check.notes)
    if check.head:
        yield text(piece("head ", "dim"), check.head, indent=2)
    if check.weakest_link:
        yield text(piece("weakest link ", "dim"), check.weakest_link, indent=2, hang=2)


def _progress(checks: Sequence[Check]) -> Iterator[Block]:
    done = sum(check.state in ("done", "failed") for check in checks)
    worker = next((check for check in checks if check.state == "working"), None)
    told = f" {done} of {len(checks)} verified"
    if worker is not None:
        doing = "audited again and compared" if worker.rerun else "verified"
        told += f"; {worker.kind} {worker.name} is being {doing}"
    yield text(Piece(words.bar(done / len(checks), _BAR), "accent"), told)
    if worker is not None and worker.stage:
        spent = words.seconds(time.monotonic() - worker.stage_since)
        yield text(piece(_stage(worker), "accent"), piece(f", {spent}", "dim"), indent=_BAR + 1)


def _stage(check: Check) -> str:
    return f"{check.stage} {DOING[check.stage]}"


def _check_row(index: int, check: Check) -> Row:
    verdict, spent = piece("waits", "dim"), ""
    if check.state == "working":
        passed = time.monotonic() - check.since
        verdict = piece(f"{_SPINNER[int(passed * 8) % len(_SPINNER)]} at work", "accent")
        spent = words.seconds(passed)
    elif check.state != "waiting":
        verdict, spent = piece(check.word, _WORDS.get(check.word, "bad")), words.seconds(check.seconds)
    cells = (
        piece(check.kind, "dim"),
        cell(check.name),
        verdict,
        piece(len(check.findings) or "", "bad"),
        piece(spent, "dim"),
    )
    return row(cells, Where("subject", number=index), check.word, str(check.folder))


def _chain(world: World) -> Iterator[Block]:
    manifest, record = world.audit.manifest, world.audit.record
    if record is not None:
        commit = f", commit {record.commit[:12]}" if record.commit else ""
        yield heading("The audit on disk")
        yield text(
            f"made {words.moment(record.started)} on {record.host}, {record.platform}{commit}", indent=2
        )
    if manifest is not None:
        yield text(piece("head ", "dim"), manifest.head, indent=2)
        columns = (
            Column("Link", 4, right=True),
            Column("Role"),
            Column("Size", 9, right=True),
            Column("SHA-256", 16),
        )
        yield blank()
        yield Table(
            columns,
            tuple(
                row(
                    (
                        piece(link.sequence, "dim"),
                        cell(link.role),
                        piece(words.size(link.size), "dim"),
                        piece(link.sha256[:16], "dim"),
                    )
                )
                for link in manifest.chain
            ),
        )
