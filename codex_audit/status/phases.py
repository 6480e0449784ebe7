"""The six-phase task sequence: what to do with this update, in order."""

from __future__ import annotations

from codex_audit.status.capability_table import step_sentence
from codex_audit.status.known import Known
from codex_audit.status.model import AtomicDiff, Finding, Gate, Phase
from codex_audit.status.words import count, names

_FINDINGS = 5
_STEPS = 5
_PRUNED = ("duplicate-module", "placeholder", "committed-artifact", "overlapping-tools")


def phases(
    known: Known,
    findings: tuple[Finding, ...],
    diffs: tuple[AtomicDiff, ...],
    gates: tuple[Gate, ...],
    script: str,
) -> tuple[Phase, ...]:
    """Preparation, search and mapping, best-effort construction, controlled pruning, error capture, finalization."""
    return (
        Phase("Preparation", _preparation(known, gates, script)),
        Phase("Search and mapping", _mapping(findings)),
        Phase("Best-effort construction", _construction(known, diffs)),
        Phase("Controlled pruning", _pruning(findings)),
        Phase(
            "Error capture",
            (
                "On a failure go on with the next step, and fill in an error block (section 9).",
                "What stays open becomes a row of the ledger (section 10), with the commit that raised it.",
            ),
        ),
        Phase("Finalization", _finalization(known, gates, script)),
    )


def _preparation(known: Known, gates: tuple[Gate, ...], script: str) -> tuple[str, ...]:
    lock = known.answers["reproducibility.pinned"]
    declared = "the declared dependencies, and note the versions"
    where = f"`{lock.evidence[0].path}`" if lock.counted == "yes" and lock.evidence else declared
    ran = (f"Run `{script}` once before any change, and keep its record to compare with.",) if gates else ()
    return (f"In an environment of its own, install {where}; set `PYTHONHASHSEED=0`.", *ran)


def _mapping(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    steps = tuple(
        f"Finding {number}: read {names([place.place for place in finding.places], 2)}."
        for number, finding in enumerate(findings[:_FINDINGS], 1)
    )
    return steps or ("The detectors found nothing to look into.",)


def _construction(known: Known, diffs: tuple[AtomicDiff, ...]) -> tuple[str, ...]:
    """The diffs, then the steps worth most; what takes days is deferred (section 8)."""
    those = "the diff" if len(diffs) == 1 else f"the {count(len(diffs), 'diff')}"
    applied = (f"Apply {those} of section 5, a commit each, with the check beside it.",) if diffs else ()
    closed = {probe for diff in diffs if diff.settles for probe in diff.closes.split(", ")} | known.unshipped
    steps = [
        step
        for step in known.steps.values()
        if step.probe not in closed and step.gain > 0 and step.effort != "days"
    ]
    steps.sort(key=lambda step: (not known.probes[step.probe].by_absence, -step.gain, step.probe))
    found = (*applied, *(f"`{step.probe}`: {step_sentence(step)}" for step in steps[:_STEPS]))
    return found or ("No gap has a step that takes less than days.",)


def _pruning(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    steps = tuple(
        f"Finding {number}: {finding.remedy}"
        for number, finding in enumerate(findings, 1)
        if finding.detector in _PRUNED
    )
    kept = "Remove nothing that a test or a document still names; say why in the commit."
    return (*steps[:_FINDINGS], kept)


def _finalization(known: Known, gates: tuple[Gate, ...], script: str) -> tuple[str, ...]:
    again = (f"Run `{script}` again, and compare with the first record.",) if gates else ()
    return (
        *again,
        f"Run `codex-audit status-update` again: the score was {known.scored.score:.2f}, and each closed gap shows.",
        "Note what users notice in the changelog, and close the rows of the ledger that are answered.",
    )
