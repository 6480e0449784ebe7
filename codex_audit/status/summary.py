"""What to know in one minute."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.status.capability_table import step_sentence
from codex_audit.status.known import Known
from codex_audit.status.model import AtomicDiff, CapabilityRow, Check, Finding, Gate, Questions
from codex_audit.status.questions import open_rows
from codex_audit.status.repo_map import size_sentence
from codex_audit.status.words import count

_EFFORTS = ("minutes", "hours", "days")
_ORDER = ("verified", "implemented", "partial", "stubbed", "absent")


def summary(
    known: Known,
    rows: tuple[CapabilityRow, ...],
    findings: tuple[Finding, ...],
    checks: tuple[Check, ...],
    diffs: tuple[AtomicDiff, ...],
    gates: tuple[Gate, ...],
    questions: Questions,
) -> tuple[str, ...]:
    """A handful of sentences, the verdict first."""
    return tuple(_sentences(known, rows, findings, checks, diffs, gates, questions))


def _sentences(
    known: Known,
    rows: tuple[CapabilityRow, ...],
    findings: tuple[Finding, ...],
    checks: tuple[Check, ...],
    diffs: tuple[AtomicDiff, ...],
    gates: tuple[Gate, ...],
    questions: Questions,
) -> Iterator[str]:
    scored = known.scored
    if not known.raw.has_code:
        yield f"There is no code to judge here: {size_sentence(known)}."
    else:
        by_status = [(status, sum(row.status == status for row in rows)) for status in _ORDER]
        said = ", ".join(f"{number} {status}" for status, number in by_status if number)
        yield f"**{scored.score:.2f} of 1** over {len(rows)} capabilities ({said}); {size_sentence(known)}."
        yield from _strong_and_weak(rows, scored.threshold)
    if any(row.unshipped for row in rows):
        yield (
            "This is a source distribution: it leaves out what its repository may have (pipelines, documents, hooks, "
            "most tests), so that scores here are lower bounds; section 3 says what is not shipped."
        )
    for number, finding in enumerate(findings[:3]):
        yield f"{'First risk' if number == 0 else 'Then'}: {finding.title.removesuffix('.')} ({finding.level})."
    yield _reproducible(checks)
    steps = sorted(
        (step for step in known.steps.values() if step.probe not in known.unshipped),
        key=lambda step: (_EFFORTS.index(step.effort), -step.gain, step.probe),
    )
    if steps and steps[0].gain > 0:
        yield f"Cheapest gain: {step_sentence(steps[0])}"
    ready = (
        f"{count(len(diffs), 'diff')} can be applied as printed"
        if diffs
        else "No gap has a diff ready to apply"
    )
    gated = f"{count(len(gates), 'gate')} can be run" if gates else "no gate is set up in this tree"
    yield f"{ready}; {gated}; {_asked(questions)}."


def _strong_and_weak(rows: tuple[CapabilityRow, ...], threshold: float) -> Iterator[str]:
    strong = [row.title for row in sorted(rows, key=lambda row: -row.score) if row.score >= threshold]
    weak = sorted((row for row in rows if row.score < threshold), key=lambda row: row.score)
    if strong:
        more = f" and {len(strong) - 4} more" if len(strong) > 4 else ""
        yield f"Strong: {', '.join(strong[:4])}{more}."
    if weak:
        shown = ", ".join(f"{row.title} ({row.score:.2f})" for row in weak[:4])
        more = f" and {len(weak) - 4} more" if len(weak) > 4 else ""
        yield f"Below the threshold of {threshold:.2f}: {shown}{more}."


def _reproducible(checks: tuple[Check, ...]) -> str:
    right = [check for check in checks if check.answer == "yes"]
    wrong = [
        check.item.lower() if check.item[1:2].islower() else check.item
        for check in checks
        if check.answer == "no"
    ]
    missing = f"; missing: {', '.join(wrong)}" if wrong else ""
    return f"Reproducibility: {len(right)} of {len(checks)} items are in place{missing}."


def _asked(questions: Questions) -> str:
    if not questions.columns:
        return "there is no ledger of open questions"
    number = open_rows(questions)
    return f"{count(number, 'question')} of {len(questions.rows)} in the ledger {'is' if number == 1 else 'are'} open"
