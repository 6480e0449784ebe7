"""Pages of one probe, and of one place that it cites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from codex_audit.artifacts import Evidence
from codex_audit.reports.wording import readable, sentence
from codex_audit.tui import words
from codex_audit.tui.page import (
    Block,
    Column,
    Fixed,
    Page,
    Piece,
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
from codex_audit.tui.source import LONGEST_LINE, Source, found_lines, read_source
from codex_audit.tui.world import World
from codex_evidence.errors import CodexError

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Probe


def probe(world: World, key: str) -> Page:
    """One probe: its question, the verdict and why, the places, what it would take."""
    answer = world.audit.answers.get(key)
    if answer is None:
        return Page(key, (text(f"The audit no longer asks the probe {key}."),))
    known = world.words.get(key)
    blocks: list[Block] = [
        text(piece(key, "strong"), "   ", words.verdict(answer.counted)),
        *([text(f"{known.ask}?")] if known else []),
        blank(),
        text(sentence(answer.sentence)),
    ]
    shown = f"Evidence, {len(answer.evidence)} of {answer.places} places"
    blocks += _places(key, shown if answer.places > len(answer.evidence) else "Evidence", answer.evidence, 0)
    title = "Speaks against it" if known and known.by_absence else "Came near, and does not count"
    blocks += _places(key, title, answer.near, len(answer.evidence))
    if answer.rule:
        blocks += [heading("The rule that decided"), text(sentence(answer.rule), indent=2)]
    if answer.counter:
        blocks.append(heading("What would change the answer"))
        blocks += [text(sentence(one), indent=2, hang=2) for one in answer.counter]
    blocks += _to_do(world, key)
    if answer.looked_for:
        names = ", ".join(readable(one) for one in answer.looked_for)
        blocks += [heading("Looked for"), text(piece(names, "dim"), indent=2)]
    if known:
        blocks += _words(known)
    return Page(key, tuple(blocks))


def source(world: World, key: str, number: int) -> Page:
    """The lines around place ``number`` of a probe. Reads the file."""
    places = cited(world, key)
    if not 0 <= number < len(places):
        return Page(key, (text(f"The audit no longer cites this place for {key}."),))
    place = places[number]
    found = _lines_around(world, place)
    title = f"{place.path}:{place.line}"
    inside = f" in {place.scope}" if place.scope and place.scope != place.symbol else ""
    blocks: list[Block] = [
        text(piece(title, "strong"), piece(f"   {number + 1} of {len(places)} places of {key}", "dim")),
        text(
            f"{sentence(place.why)} ",
            piece(f"{place.symbol}{inside}; {place.strength}, {place.place}", "dim"),
        ),
        *_doubts(world, place, found),
        blank(),
    ]
    if found.fault:
        blocks.append(Fixed(((piece(place.excerpt, "mark", LONGEST_LINE),),)))
        return Page(title, tuple(blocks))
    blocks.append(Fixed(tuple(_numbered(found, place.line))))
    return Page(title, tuple(blocks), focus=place.line - found.first, sticky=len(blocks) - 1)


def cited(world: World, key: str) -> tuple[Evidence, ...]:
    """The places of a probe: what counts, then what came near."""
    answer = world.audit.answers.get(key)
    return (*answer.evidence, *answer.near) if answer else ()


def _lines_around(world: World, place: Evidence) -> Source:
    index = world.audit.index
    encoding = _encoding(world, place.path)
    if index is None:
        return Source(
            fault="the listing of the audit cannot be read, and nobody knows which lines hold a secret"
        )
    try:
        hidden = found_lines((world.folder, world.tree), index, place.path)
    except CodexError as error:
        return Source(fault=f"nobody knows which of them hold a secret: {error}")
    return read_source(world.tree, place.path, encoding, place.line, hidden)


def _doubts(world: World, place: Evidence, found: Source) -> Iterator[Block]:
    audited = world.audit.digests.get(place.path)
    if found.fault:
        yield text(piece("! ", "bad"), f"No lines: {found.fault}. This is what the audit quoted:")
    elif audited is None:
        yield text(
            piece("! ", "fair"),
            "The listing of the audit does not hold this file, so it may have changed since.",
        )
    elif audited != found.sha256:
        yield text(
            piece("! ", "fair"), "This file has changed since it was audited; the line may have moved."
        )
    if not found.fault and not 0 < place.line <= found.total:
        yield text(piece("! ", "fair"), f"It has {found.total} lines now. The audit quoted: {place.excerpt}")


def _numbered(found: Source, line: int) -> Iterator[tuple[Piece, ...]]:
    width = len(str(found.first + len(found.lines)))
    for number, pieces in enumerate(found.lines, found.first):
        if number == line:
            yield (Piece(f"▶{number:>{width}}  ", "mark"), *pieces)
        else:
            yield (Piece(f" {number:>{width}}  ", "dim"), *pieces)


def _encoding(world: World, path: str) -> str:
    entries = world.audit.index.files if world.audit.index else ()
    return next((entry.path_encoding for entry in entries if entry.path == path), "utf-8")


def _places(key: str, title: str, places: tuple[Evidence, ...], first: int) -> Iterator[Block]:
    if places:
        yield heading(title)
    columns = (Column("", 1), Column(""), Column("", 8, right=True, spare=1))
    for number, place in enumerate(places, first):
        cells = (piece("▸", "accent"), cell(f"{place.path}:{place.line}"), piece(place.strength, "dim"))
        yield Table(columns, (row(cells, Where("source", key, number), "", f"{place.excerpt} {place.why}"),))
        if place.excerpt:
            yield Fixed(((Piece("    "), piece(place.excerpt, "string", LONGEST_LINE)),))
        yield text(piece(place.why, "dim"), indent=4)


def _to_do(world: World, key: str) -> Iterator[Block]:
    step = world.audit.steps.get(key)
    if step is None:
        return
    where = ", ".join((*step.files, *(f"{one} (new)" for one in step.new_files)))
    gain = f" Tested and documented, it adds {step.gain:.2f} to the score." if step.gain else ""
    yield heading("What to do")
    yield text(f"{sentence(step.text)} A matter of {step.effort}, in {where}.{gain}", indent=2)
    owner = world.audit.owners[key]
    link: Row = row((piece("▸ the whole plan, with risk and rollback", "accent"),), Where("gap", owner))
    yield Table((Column("", 2), Column("")), (Row((piece(""), *link.cells), link.target, "", link.find),))


def _words(known: Probe) -> Iterator[Block]:
    needs = " The capability counts as implemented only with it." if known.core else ""
    yield heading("Why it is asked")
    yield text(f"{sentence(known.motivation)} It feeds the component {known.component}.{needs}", indent=2)
    yield from (text(piece(one, "dim"), indent=2) for one in known.references)
    yield heading("Risk without it, and the way back from the change")
    yield text(sentence(known.risk), indent=2)
    yield text(sentence(known.rollback), indent=2)
