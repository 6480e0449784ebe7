"""Pages that compare two audits: which there are, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codex_audit.tui.page import (
    Block,
    Column,
    Page,
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
from codex_audit.tui.run_pages import below
from codex_audit.tui.world import World
from codex_audit.verify.compare import (
    Comparison,
    EvidenceMove,
    ScoreChange,
    VerdictChange,
    compare,
    read_side,
)
from codex_evidence.errors import CodexError


def diff(world: World, named: tuple[Path, ...]) -> Page:
    """The audits with which that of the folder can be compared: those that the user ``named``, and those below it."""
    others = dict.fromkeys((*named, *(one for one in world.found.audits if one != world.folder)))
    if world.audit.scored is None:
        return Page(
            "Diff", (text(piece(f"There is no audit with scores in {world.folder} to compare.", "strong")),)
        )
    if not others:
        looking = (
            "Looking for audits ..."
            if not world.searched
            else f"There is no other audit below {world.folder}."
        )
        return Page(
            "Diff",
            (
                text(piece(looking, "strong")),
                blank(),
                text("Press ", piece("o", "accent"), " to give the folder of an older one."),
            ),
        )
    rows = tuple(row((cell(below(one, world.folder)),), Where("comparison", str(one))) for one in others)
    return Page("Diff", (Table((Column("Older audit, to be compared with the one in this folder"),), rows),))


def comparison(world: World, key: str) -> Page:
    """What changed from the audit in the folder ``key`` to the one in this folder. Reads both."""
    try:
        result = compare(read_side(Path(key)), read_side(world.folder))
    except CodexError as error:
        return Page("Diff", (text(piece("These cannot be compared: ", "bad"), str(error)),))
    blocks: list[Block] = [
        text(piece("older ", "dim"), key),
        text(piece("newer ", "dim"), str(world.folder)),
        blank(),
        text(
            "score ",
            piece(
                f"{result.old_score:.4f} → {result.new_score:.4f}", _tone(result.new_score - result.old_score)
            ),
            "   ",
            piece("✗ regression", "bad") if result.regressed else piece("✓ no regression", "good"),
        ),
        *_changes(result),
    ]
    if not result.verdicts_compared:
        blocks.append(text("Verdicts were not compared: capabilities_raw.json is missing beside the scores."))
    elif not (result.verdicts or result.scores or result.moves):
        blocks.append(text("Nothing differs."))
    return Page("Diff", tuple(blocks))


def _changes(result: Comparison) -> Iterator[Block]:
    if result.verdicts:
        yield heading("Verdicts")
        columns = (Column("", 9), Column("Probe", 26), Column("Was, is", 20), Column("Why", spare=1))
        yield Table(columns, tuple(map(_verdict_row, result.verdicts)))
    if result.scores:
        yield heading("Scores")
        columns = (Column("", 9), Column("Capability", 18), Column("Status"), Column("Score", 15))
        yield Table(columns, tuple(map(_score_row, result.scores)))
    if result.moves:
        yield heading("Evidence that moved")
        yield Table(
            (Column("Probe", 26), Column("Was at"), Column("Is at")), tuple(map(_move_row, result.moves))
        )


def _verdict_row(change: VerdictChange) -> Row:
    mark = piece("▼ fell", "bad") if change.regression else piece("changed", "accent")
    said = f"{change.old} → {change.new}".replace("_", " ")
    cells = (mark, cell(change.probe), cell(said), cell(change.reason, "dim"))
    return row(cells, Where("probe", change.probe) if change.new != "absent" else None)


def _score_row(change: ScoreChange) -> Row:
    mark = piece("▼ fell", "bad") if change.fell else piece("changed", "accent")
    same = change.old_status == change.new_status
    said = change.new_status if same else f"{change.old_status} → {change.new_status}"
    score = piece(
        f"{change.old_score:.4f} → {change.new_score:.4f}", _tone(change.new_score - change.old_score)
    )
    return row((mark, cell(change.capability), piece(said), score), Where("capability", change.capability))


def _move_row(move: EvidenceMove) -> Row:
    places = (", ".join(move.gone) or "nothing", ", ".join(move.found) or "nothing")
    return row((cell(move.probe), *(cell(one, "dim") for one in places)), Where("probe", move.probe))


def _tone(change: float) -> Tone:
    return "good" if change > 0 else "bad" if change < 0 else "plain"
