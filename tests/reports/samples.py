"""A small catalogue and small artifacts, built from the real types."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilityAnswers,
    ContextIndex,
    Evidence,
    Facets,
    FileEntry,
    Overruling,
    Place,
    ProbeAnswer,
    Strength,
    Support,
    UnreadFile,
    Verdict,
)
from codex_audit.capabilities.model import Capability, Component, Probe, Remedy
from codex_audit.query.found import NOTHING
from codex_audit.reports.model import ReportInput
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.render import report_input, words_of
from codex_audit.stages.scoring import score_capabilities

WEIGHTS = {
    "functionality": 0.25,
    "consistency": 0.20,
    "tests": 0.25,
    "safeguards": 0.15,
    "documentation": 0.15,
}


def probe(
    name: str,
    component: Component = "functionality",
    *,
    core: bool = False,
    by_absence: bool = False,
    remedy: Remedy | None = None,
) -> Probe:
    return Probe(
        id=name,
        ask=f"Does {name} hold",
        motivation="It matters.",
        counts="What does it.",
        excludes="What does not.",
        risk=f"Without {name} a run is lost.",
        remedy=remedy or Remedy(f"Add {name}.", "hours", ("new:{package}/added.py",)),
        rollback=f"Remove {name}.",
        references=(),
        check=lambda tree: NOTHING,
        component=component,
        core=core,
        by_absence=by_absence,
    )


def evidence(
    path: str = "pkg/run.py",
    line: int = 3,
    *,
    place: Place = "library",
    strength: Strength = "called",
    why: str = "calls torch.save",
    excerpt: str = "torch.save(state, path)",
) -> Evidence:
    return Evidence(path, line, excerpt, why, place, strength, "torch.save", "save")


def answer(
    name: str, verdict: Verdict, *places: Evidence, near: tuple[Evidence, ...] = (), reason: str = ""
) -> ProbeAnswer:
    return ProbeAnswer(
        id=name,
        verdict=verdict,
        reason=reason or f"it is {verdict}",
        evidence=places,
        looked_for=("torch.save",),
        near=near,
        places=len(places),
        rule=reason or "saves with torch.*",
        counter=(reason or "no, were this place gone", "these do not count: a path alone"),
    )


def overruled(
    item: ProbeAnswer, verdict: Literal["yes", "no"], reason: str = "a human looked"
) -> ProbeAnswer:
    """``item`` with the user's word against it, from line 4 of the settings."""
    return replace(item, overruled=Overruling(verdict, reason, "workflow.yaml", 4))


def answers(*items: ProbeAnswer, support: Support | None = None, name: str = "saving") -> CapabilityAnswers:
    return CapabilityAnswers(name, name.capitalize(), items, support or Support())


def raw(*capabilities: CapabilityAnswers, has_code: bool = True) -> CapabilitiesRaw:
    return CapabilitiesRaw("codex-audit/capabilities_raw/v1", has_code, capabilities)


def entry(path: str) -> FileEntry:
    return FileEntry(path, "utf-8", "file", "100644", 10, "a" * 64, False)


def index(*paths: str) -> ContextIndex:
    files = tuple(entry(path) for path in paths)
    return ContextIndex("codex-audit/context_index/v1", "git", (), (), files, "b" * 64)


def facets(*package: str, project: str = "sample", unread: tuple[UnreadFile, ...] = ()) -> Facets:
    return Facets("codex-audit/facets/v1", "Python 3.11", project, {"package": package}, unread)


SAVING = Capability(
    "saving",
    "Saving",
    "Saves weights.",
    (
        probe("saving.weights", core=True),
        probe("saving.optimizer", remedy=Remedy("Save it.", "minutes", ("probe:saving.weights",))),
        probe("saving.digest", "safeguards"),
        probe("saving.tests", "tests", remedy=Remedy("Test it.", "hours", ("new:tests/test_saving.py",))),
    ),
)
READING = Capability("reading", "Reading", "Reads data.", (probe("reading.split", core=True),))
CATALOGUE = (SAVING, READING)

SAVED = answers(
    answer("saving.weights", "yes", evidence()),
    answer("saving.optimizer", "no", near=(evidence(line=9, why="stub: save has no body"),)),
    answer("saving.digest", "unknown", reason="pkg/odd.py could not be read and names sha256"),
    answer("saving.tests", "no"),
    support=Support(("pkg/run.py",), ()),
)
READ = answers(answer("reading.split", "no"), name="reading")


def report(
    saved: CapabilityAnswers = SAVED,
    *,
    tree: ContextIndex | None = None,
    facts: Facets | None = None,
    title: str = "Saving",
) -> ReportInput:
    """A report on two capabilities: the first is partly there, the second absent."""
    catalogue = (replace(SAVING, title=title), READING)
    answered = raw(replace(saved, title=title), READ)
    tree = tree or index("README.md", "pkg/__init__.py", "pkg/odd.py", "pkg/run.py")
    facts = facts or facets(
        "pkg/__init__.py",
        "pkg/odd.py",
        "pkg/run.py",
        unread=(UnreadFile("pkg/odd.py", "python", 4, "invalid syntax"),),
    )
    scored = score_capabilities(answered, catalogue, WEIGHTS, 0.7)
    gaps = plan_gaps(answered, scored, catalogue, tree, facts)
    return report_input(tree, facts, answered, scored, gaps, words_of(catalogue))
