"""Gaps for which there is no template, by the reason why."""

from __future__ import annotations

from codex_audit.artifacts import PatchStep
from codex_audit.status.capability_table import step_sentence
from codex_audit.status.known import Known
from codex_audit.status.model import AtomicDiff, NoDiff

_CODE = "It changes what code does when it runs, and needs the eye of its owner"
_TEST = "A test has to say what is right for this project, which no template knows"
_DAYS = "It takes days, and a design first"
_DECISION = "It is a decision of the project"


def no_diffs(known: Known, diffs: tuple[AtomicDiff, ...]) -> tuple[NoDiff, ...]:
    """Steps of capabilities below the threshold that no diff closes, worth most first within each reason."""
    closed = {probe for diff in diffs if diff.settles for probe in diff.closes.split(", ")}
    below = [plan for plan in known.gaps.plans if plan.capability in known.gaps.below]
    steps = [step for plan in below for step in plan.patch_plan if step.probe not in closed | known.unshipped]
    steps.sort(key=lambda step: (-step.gain, step.probe))
    by_reason: dict[str, list[tuple[str, str]]] = {}
    for step in steps:
        by_reason.setdefault(_reason(step), []).append((step.probe, step_sentence(step)))
    return tuple(NoDiff(reason, tuple(found)) for reason, found in by_reason.items())


def _reason(step: PatchStep) -> str:
    if step.probe.endswith(".tests"):
        return _TEST
    if step.effort == "days":
        return _DAYS
    return _CODE if step.files and any(path.endswith(".py") for path in step.files) else _DECISION
