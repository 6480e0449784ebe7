"""Which function makes which page, from all that is known at a moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from codex_audit.tui import audit_pages, diff_pages, probe_pages, run_pages, verify_pages
from codex_audit.tui.checks import Check
from codex_audit.tui.page import Page, Where
from codex_audit.tui.world import World

SLOW = frozenset({"source", "run", "comparison"})
"""Pages that read files of any size, and so are made beside the screen."""

WITH_PREVIEW = frozenset({"matrix", "probes", "gaps", "runs", "capability", "probe", "diff", "verify"})
"""Pages beside which a wide screen shows what the cursor is on."""

TABS: tuple[Where, ...] = (
    Where("matrix"),
    Where("probes"),
    Where("gaps"),
    Where("runs"),
    Where("diff"),
    Where("verify"),
)

LISTS = frozenset(TABS[:3])
"""Pages that depend on the world alone, and may have thousands of rows."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The world, the verifications that were asked for, and the audits that the user named to compare with."""

    world: World
    checks: tuple[Check, ...] = ()
    named: tuple[Path, ...] = ()

    def changed(self, **parts: object) -> Desk:
        """This desk with other ``parts``."""
        return replace(self, **parts)  # type: ignore[arg-type]


@dataclass(slots=True)
class Frame:
    """A page that the reader opened: what it is, on which row the reader left it, what was searched and filtered."""

    where: Where
    title: str = ""
    target: Where | None = None
    needle: str = ""
    group: str = ""


def make_page(where: Where, desk: Desk) -> Page:
    """The page that ``where`` names, as of ``desk``."""
    world = desk.world
    match where.kind:
        case "matrix":
            return audit_pages.matrix(world)
        case "probes":
            return audit_pages.probes(world)
        case "gaps":
            return audit_pages.gaps(world)
        case "capability":
            return audit_pages.capability(world, where.key)
        case "gap":
            return audit_pages.gap(world, where.key)
        case "probe":
            return probe_pages.probe(world, where.key)
        case "source":
            return probe_pages.source(world, where.key, where.number)
        case _:
            return _other_page(where, desk)


def _other_page(where: Where, desk: Desk) -> Page:
    world = desk.world
    match where.kind:
        case "runs":
            return run_pages.runs(world)
        case "run":
            check = next(
                (one for one in desk.checks if str(one.folder) == where.key and one.kind == "run"), None
            )
            return run_pages.run(world, where.key, check)
        case "diff":
            return diff_pages.diff(world, desk.named)
        case "comparison":
            return diff_pages.comparison(world, where.key)
        case "verify":
            return verify_pages.verify(world, desk.checks)
        case _:
            return verify_pages.subject(world, desk.checks, where.number)


def neighbour(where: Where, desk: Desk, by: int) -> Where | None:
    """The place before or after a cited one; None at the ends, and for other pages."""
    if where.kind != "source":
        return None
    number = where.number + by
    inside = 0 <= number < len(probe_pages.cited(desk.world, where.key))
    return replace(where, number=number) if inside else None


def viewed_files(where: Where, desk: Desk) -> tuple[Path, ...]:
    """Files on the page ``where`` whose changes are to be followed, beside those of audits and runs."""
    places = probe_pages.cited(desk.world, where.key) if where.kind == "source" else ()
    inside = 0 <= where.number < len(places)
    return (desk.world.tree / places[where.number].path,) if inside else ()


def concerns(where: Where, before: World, now: World) -> bool:
    """Whether the page ``where`` may differ in the world as it is ``now``."""
    if where.kind == "run":
        old, new = ([run for run in world.runs if str(run.folder) == where.key] for world in (before, now))
        return old != new
    if where.kind == "source":
        return before.viewed != now.viewed or before.audit is not now.audit
    return where.kind not in ("comparison", "subject") or before.audit is not now.audit
