"""Pages of training runs: the list, and one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codex_audit.tui import words
from codex_audit.tui.checks import Check
from codex_audit.tui.page import (
    Block,
    Column,
    Page,
    Plot,
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
from codex_audit.tui.training import Course, Run, read_course
from codex_audit.tui.verify_pages import result_lines
from codex_audit.tui.world import World
from codex_evidence.run_documents import CheckpointEntry

_MOST_VALUES = 300


def runs(world: World) -> Page:
    """Every run below the folder."""
    if not world.runs:
        return Page("Runs", tuple(_none(world)))
    columns = (
        Column("Run"),
        Column("Status", 10),
        Column("Steps", 9, right=True),
        Column("Saved", 5, right=True),
        Column("Began", 23, spare=1),
        Column("Folder", spare=2),
    )
    rows = tuple(_run_row(world, run) for run in world.runs)
    cut = [blank(), text(piece("! ", "fair"), "There are too many folders here; not all were looked into.")]
    groups = tuple(dict.fromkeys(one.group for one in rows))
    return Page("Runs", (Table(columns, rows), *(cut if world.found.cut else [])), groups)


def run(world: World, key: str, check: Check | None) -> Page:
    """One run: state, loss, checkpoints, environment, configuration. Reads its step logs."""
    found = next((one for one in world.runs if str(one.folder) == key), None)
    if found is None:
        return Page(Path(key).name, (text(f"There is no longer a run in {key}."),))
    course = read_course(found)
    blocks: list[Block] = [
        text(
            piece(found.name, "strong"), "   ", words.run_status(found.status), piece(f"   {found.id}", "dim")
        ),
        *_life(found),
        _judged(check),
    ]
    for fault in (*found.faults, *course.faults):
        blocks.append(text(piece("! ", "bad"), f"{fault.file}: {fault.reason}", hang=2))
    blocks += _loss(course)
    blocks += _checkpoints(found)
    if check is not None:
        blocks += [heading("Verification"), *result_lines(check)]
    blocks += _values("Environment that decides the numbers", course.environment.get("class"))
    blocks += _values("The rest of the environment", _without_packages(course.environment.get("detail")))
    blocks += _values("Configuration", course.config)
    return Page(found.name, tuple(blocks))


def below(folder: Path, top: Path) -> str:
    """``folder`` relative to ``top`` where it lies below it."""
    return os.path.relpath(folder, top) if folder.is_relative_to(top) else str(folder)


def _none(world: World) -> Iterator[Block]:
    if not world.searched:
        yield text("Looking for runs ...")
        return
    yield text(piece(f"There is no training run below {world.folder}.", "strong"))
    yield blank()
    yield text("A run folder holds a run.json; codex-train makes one:")
    yield blank()
    yield text(piece("codex-train run CONFIG --folder DIR", "accent"), indent=4)


def _run_row(world: World, one: Run) -> Row:
    began = words.moment(one.segments[0].started) if one.segments else ""
    return row(
        (
            cell(one.name),
            words.run_status(one.status),
            piece("" if one.last_step is None else f"{one.last_step:,}"),
            piece(sum(entry.kept for entry in one.checkpoints) or "", "dim"),
            cell(began, "dim"),
            cell(below(one.folder, world.folder), "dim"),
        ),
        Where("run", str(one.folder)),
        one.status,
        one.id,
    )


def _life(one: Run) -> Iterator[Block]:
    for segment in one.segments:
        ended = f" to {words.moment(segment.ended)}" if segment.ended else ""
        came = f", goes on from step {segment.parent.step}" if segment.parent else ""
        why = f": {segment.reason}" if segment.reason else ""
        said = (
            f"segment {segment.segment}, {segment.status}{why}; {words.moment(segment.started)}{ended}{came}"
        )
        yield text(piece(said, "dim"))


def _judged(check: Check | None) -> Block:
    """One line on the verification; the whole of it stands below."""
    if check is None:
        return text("Not verified yet: press ", piece("v", "accent"), ".")
    return next(iter(result_lines(check, indent=0)))


def _loss(course: Course) -> Iterator[Block]:
    yield heading("Loss in nats a token")
    if course.last is None:
        yield text("No step was recorded yet.", indent=2)
        return
    first, last = course.losses[0], course.losses[-1]
    lowest = min(course.losses, key=lambda one: one[1])
    held = f"; held out {course.held[-1][1]:.4f} at step {course.held[-1][0]:g} (●)" if course.held else ""
    yield text(
        f"{first[1]:.4f} at step {first[0]:g} to {last[1]:.4f} at step {last[0]:g}, "
        f"lowest {lowest[1]:.4f} at step {lowest[0]:g}{held}; learning rate {course.last.lr:.3g}"
    )
    yield Plot(course.losses, tuple((float(step), loss) for step, loss in course.held))


def _checkpoints(one: Run) -> Iterator[Block]:
    yield heading("Checkpoints")
    if not one.checkpoints:
        yield text("None was recorded yet.", indent=2)
        return
    columns = (Column("Step", 9, right=True), Column("Path"), Column("", 8), Column("State", 16, spare=1))
    yield Table(columns, tuple(_checkpoint_row(entry) for entry in one.checkpoints))


def _checkpoint_row(entry: CheckpointEntry) -> Row:
    kept = piece("kept", "good") if entry.kept else piece("removed", "dim")
    return row((piece(f"{entry.step:,}"), cell(entry.path), kept, piece(entry.state_digest[:16], "dim")))


def _without_packages(detail: object) -> object:
    """The list of packages is long and says little; how many there are is said instead."""
    if isinstance(detail, dict) and isinstance(detail.get("packages"), list):
        return {**detail, "packages": f"{len(detail['packages'])} packages, each with its version and digest"}
    return detail


def _values(title: str, value: object) -> Iterator[Block]:
    if not isinstance(value, Mapping) or not value:
        return
    yield heading(title)
    pairs = list(_flat(value, ""))
    width = min(34, max(len(name) for name, _ in pairs))
    for name, shown in pairs[:_MOST_VALUES]:
        yield text(piece(f"{name:<{width}}  ", "dim", 80), piece(shown, most=400), indent=2, hang=width + 2)
    if len(pairs) > _MOST_VALUES:
        yield text(piece(f"and {len(pairs) - _MOST_VALUES} more", "dim"), indent=2)


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Nested values under dotted names."""
    for name, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{prefix}{name}.")
        elif isinstance(item, list) and any(isinstance(one, Mapping) for one in item):
            yield f"{prefix}{name}", f"{len(item)} entries"
        elif isinstance(item, list):
            yield f"{prefix}{name}", ", ".join(map(str, item[:20])) or "-"
        else:
            yield f"{prefix}{name}", "-" if item in (None, "", {}) else str(item)
