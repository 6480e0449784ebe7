"""Pages of an audit: the matrix, all probes, the gaps, one capability and one gap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codex_audit.artifacts import CapabilityScore, Gap, PatchStep, ProbeAnswer
from codex_audit.reports.wording import sentence
from codex_audit.tui import words
from codex_audit.tui.page import (
    Block,
    Column,
    Page,
    Paragraph,
    Row,
    Table,
    Where,
    blank,
    cell,
    heading,
    piece,
    row,
    text,
)
from codex_audit.tui.reading import Audit
from codex_audit.tui.world import World

_BELOW, _ABOVE = "below the threshold", "above it"


def matrix(world: World) -> Page:
    """Every capability with its status and score."""
    scored = world.audit.scored
    if scored is None:
        return Page("Matrix", tuple(nothing(world.audit, "capabilities_scored")))
    differ = (
        max(len(words.interval(one.low, one.high)) for one in scored.capabilities)
        if scored.capabilities
        else 0
    )
    columns = (
        Column("Capability", least=26),
        Column("Status", 13),
        Column("Score", 15),
        Column("Range" if differ else "", differ or 1, spare=2),
        Column("Yes", 7, right=True, spare=1),
        Column("", 3),
    )
    rows = tuple(_matrix_row(world.audit, one) for one in scored.capabilities)
    groups = tuple(dict.fromkeys(row.group for row in rows))
    return Page("Matrix", (Table(columns, rows), *warnings(world.audit)), groups)


def probes(world: World) -> Page:
    """Every probe of every capability."""
    if world.audit.raw is None:
        return Page("Probes", tuple(nothing(world.audit, "capabilities_raw")))
    rows = tuple(probe_row(world, one) for one in world.audit.answers.values())
    return Page("Probes", (Table(PROBE_COLUMNS, rows), *warnings(world.audit)), verdict_groups(rows))


def gaps(world: World) -> Page:
    """What is missing, the capabilities below the threshold first."""
    found = world.audit.gaps
    if found is None:
        return Page("Gaps", tuple(nothing(world.audit, "gaps")))
    columns = (
        Column("Capability", 24),
        Column("Score", 5, right=True),
        Column("Steps", 5, right=True, spare=2),
        Column("Risk"),
        Column("First step", 10, spare=1),
    )
    below = frozenset(found.below)
    plans = sorted(
        (one for one in found.plans if _missing(one, below)), key=lambda one: one.capability not in below
    )
    rows = tuple(_gap_row(one, _BELOW if one.capability in below else _ABOVE) for one in plans)
    if not rows:
        return Page("Gaps", (text("No gap: every capability is above the threshold and no probe is no."),))
    return Page(
        "Gaps",
        (Table(columns, rows), *warnings(world.audit)),
        tuple(dict.fromkeys(one.group for one in rows)),
    )


def capability(world: World, key: str) -> Page:
    """One capability: its score with the arithmetic, its probes, and the way to its plan."""
    audit = world.audit
    score = next((one for one in audit.scored.capabilities if one.id == key), None) if audit.scored else None
    if score is None:
        return Page(key, (text(f"The audit no longer holds the capability {key}."),))
    rows = tuple(probe_row(world, one) for one in audit.asked.get(key, ()))
    gap = gap_of(audit, key)
    blocks: list[Block] = [*_score_lines(audit, score)]
    if gap is not None and (gap.patch_plan or gap.risks):
        told = f"{len(gap.patch_plan)} steps" if len(gap.patch_plan) != 1 else "1 step"
        link = row(
            (piece("▸ Plan", "accent"), cell(f"what is missing, the risk, {told}, the way back")),
            Where("gap", key),
        )
        blocks.append(Table((Column("", 6), Column("")), (link,)))
    return Page(score.title, (*blocks, blank(), Table(PROBE_COLUMNS, rows)), verdict_groups(rows))


def gap(world: World, key: str) -> Page:
    """What one capability lacks: reasons, risks, the patch plan and the way back."""
    found = gap_of(world.audit, key)
    if found is None:
        return Page(key, (text(f"The audit no longer holds a plan for {key}."),))
    blocks: list[Block] = [
        Paragraph(
            (
                piece(found.title, "strong"),
                piece("   "),
                words.status(found.status),
                piece(f"   {found.score:.2f}"),
            )
        )
    ]
    blocks += _bullets("Why the score is what it is", found.reasons)
    blocks += _bullets("Risk", found.risks)
    if found.patch_plan:
        blocks.append(heading("Patch plan, the cheapest first"))
        for number, step in enumerate(found.patch_plan, 1):
            blocks += _step(number, step)
    blocks += _bullets("The way back", found.rollback)
    return Page(f"Gap: {found.title}", tuple(blocks))


PROBE_COLUMNS = (
    Column("Verdict", 9),
    Column("Probe", 24),
    Column("Why"),
    Column("Places", 6, right=True, spare=1),
)


def probe_row(world: World, answer: ProbeAnswer) -> Row:
    """A probe in a list; it is found by its question, its reason and the paths it cites too."""
    ask = world.words[answer.id].ask if answer.id in world.words else ""
    cited = " ".join(one.path for one in answer.evidence)
    verdict = words.verdict(answer.counted)
    cells = (verdict, cell(answer.id), cell(answer.sentence, "dim"), cell(answer.places or "", "dim"))
    return row(cells, Where("probe", answer.id), verdict.text[2:], f"{ask} {cited}")


def verdict_groups(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """The verdicts that occur, in one order everywhere."""
    there = {one.group for one in rows}
    return tuple(word for _, word, _ in words.VERDICT.values() if word in there)


def gap_of(audit: Audit, key: str) -> Gap | None:
    """The plan for the capability ``key``."""
    return next((one for one in audit.gaps.plans if one.capability == key), None) if audit.gaps else None


def nothing(audit: Audit, missing: str) -> Iterator[Block]:
    """What to say where the artifact ``missing`` cannot be shown."""
    if not audit.there:
        yield text(piece(f"There is no audit in {_named(audit.folder)}.", "strong"))
        yield blank()
        yield text("Make one with:")
        yield blank()
        yield text(piece(f"codex-audit run {audit.folder}", "accent"), indent=4)
        yield blank()
        yield text("This screen follows the folder and shows the audit as soon as it is written.")
        return
    yield text(piece(f"{missing}.json is not there, or cannot be read.", "strong"))
    yield from warnings(audit)


def warnings(audit: Audit) -> Iterator[Block]:
    """What is wrong with the files of the audit."""
    if audit.writing:
        yield blank()
        yield text(
            piece("! ", "fair"), "A run is writing here, or was interrupted: what is shown may be half of it."
        )
    for fault in audit.faults:
        yield blank()
        yield text(piece("! ", "bad"), f"{fault.file} is not shown: {fault.reason}", hang=2)


def _matrix_row(audit: Audit, score: CapabilityScore) -> Row:
    tone = words.STATUS[score.status][1]
    asked = [one.counted for one in audit.asked.get(score.id, ())]
    applicable = [one for one in asked if one != "not_applicable"]
    below = audit.gaps is not None and score.id in audit.gaps.below
    return row(
        (
            cell(score.title),
            words.status(score.status),
            words.score(score.score, tone),
            piece(words.interval(score.low, score.high), "fair"),
            piece(f"{applicable.count('yes')} of {len(applicable)}" if asked else "", "dim"),
            piece("gap" if below else "", "bad"),
        ),
        Where("capability", score.id),
        score.status,
        score.id,
    )


def _score_lines(audit: Audit, score: CapabilityScore) -> Iterator[Block]:
    tone = words.STATUS[score.status][1]
    unknown = words.interval(score.low, score.high)
    yield Paragraph(
        (
            piece(score.title, "strong"),
            piece("   "),
            words.status(score.status),
            piece("   "),
            words.score(score.score, tone, 20),
            piece(f"   {unknown} if unknowns differ" if unknown else "", "fair"),
        )
    )
    yield blank()
    columns = (Column("Component", 14), Column("Value", 15), Column("Weight", 6, right=True), Column("Basis"))
    yield Table(columns, tuple(_component_row(audit, score, name) for name in score.components))
    yield blank()
    yield text(piece(score.arithmetic, "dim"))


def _component_row(audit: Audit, score: CapabilityScore, name: str) -> Row:
    one = score.components[name]
    weak = audit.scored is not None and one.value is not None and one.value < audit.scored.threshold
    value = (
        piece("does not apply", "dim")
        if one.value is None
        else words.score(one.value, "fair" if weak else "good")
    )
    return row((cell(name), value, piece(f"{one.weight:.2f}", "dim"), cell(one.basis, "dim")))


def _missing(one: Gap, below: frozenset[str]) -> bool:
    return one.capability in below or bool(one.patch_plan)


def _gap_row(one: Gap, group: str) -> Row:
    effort = one.patch_plan[0].effort if one.patch_plan else ""
    risk = one.risks[0] if one.risks else ""
    return row(
        (
            cell(one.title),
            piece(f"{one.score:.2f}", "bad" if group == _BELOW else "good"),
            piece(len(one.patch_plan), "dim"),
            cell(risk, "dim"),
            piece(effort),
        ),
        Where("gap", one.capability),
        group,
        " ".join((one.capability, *one.risks, *(step.text for step in one.patch_plan))),
    )


def _bullets(title: str, texts: tuple[str, ...]) -> Iterator[Block]:
    if texts:
        yield heading(title)
    for one in texts:
        yield text(piece("- ", "dim"), sentence(one), indent=2, hang=2)


def _step(number: int, step: PatchStep) -> Iterator[Block]:
    yield text(piece(f"{number}. ", "accent"), sentence(step.text), indent=2, hang=3)
    where = ", ".join((*step.files, *(f"{one} (new)" for one in step.new_files)))
    gain = f", adds {step.gain:.2f} once tested and documented" if step.gain else ""
    link = row(
        (piece(f"▸ {step.probe}", "accent"), cell(f"{step.effort}{gain}", "dim")), Where("probe", step.probe)
    )
    yield Table(
        (Column("", 4), Column("", 26), Column("")),
        (Row((piece(""), *link.cells), link.target, "", link.find),),
    )
    yield text(piece(f"in {where}", "dim"), indent=7)


def _named(folder: Path) -> str:
    return "this folder" if folder == Path() else str(folder)
