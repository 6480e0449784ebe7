"""One verdict explained as a colleague would: what, why, where, how sure, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codex_audit.accuracy.figures import Counts
from codex_audit.artifacts import Evidence, PatchStep, Place, ProbeAnswer, Verdict
from codex_audit.reports.trust import precision_text, recall_text
from codex_audit.reports.wording import (
    CapabilityWords,
    ProbeWords,
    readable,
    sentence,
)

MOST_NAMES = 12
FEW_NAMES = 6
_NOTHING = "nothing that counts was found"
_PLACES: dict[Place, str] = {
    "entry": "reached from an entry point",
    "library": "library code",
    "config": "configuration",
    "example": "an example",
    "test": "a test",
    "docs": "documentation",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """``step`` is what the plan of the audit says of the probe, None for none; ``counts`` are the probe's on
    ``corpus`` labelled repositories."""

    probe: ProbeWords
    answer: ProbeAnswer
    step: PatchStep | None
    counts: Counts
    corpus: int


def explanation(told: Explained, width: int) -> Iterator[str]:
    """The lines of the whole answer, wrapped to ``width`` columns where they are prose."""
    yield f"{told.probe.id}: {said(told.answer)}"
    yield ""
    yield from wrapped(verdict_text(told), width)
    yield from _places(told.answer.evidence, width)
    yield from _section("Looked for", (_looked_for(told.answer),), width)
    title = "Speaks against it" if told.probe.by_absence else "Came near, and does not count"
    yield from _near(told.answer, title, width)
    yield from _section("What would change the answer", _changes(told.answer), width)
    yield from _section("What to do", _to_do(told), width)
    yield from _section("How far to trust it", trust(told.counts, told.corpus), width)
    yield from _section("Why it is asked", _why(told.probe), width)


def overview(capability: CapabilityWords, answers: Mapping[str, ProbeAnswer], width: int) -> Iterator[str]:
    """Every probe of a capability with its verdict and the first sentence of why."""
    yield f"{capability.id}: {capability.title}"
    yield from wrapped(capability.summary, width, "  ")
    for probe in capability.probes:
        answer = answers[probe.id]
        yield ""
        yield f"{_word(answer.counted):<15} {probe.id}: {probe.ask}"
        place = f" ({answer.evidence[0].path}:{answer.evidence[0].line})" if answer.evidence else ""
        yield from wrapped(sentence(answer.sentence + place), width, " " * 16)


def said(answer: ProbeAnswer) -> str:
    """The verdict that counts, and the audit's own where that differs."""
    own = f" (overruled; the audit itself found {_word(answer.verdict)})" if answer.differs else ""
    return f"{_word(answer.counted)}{own}"


def verdict_text(told: Explained) -> str:
    """The verdict and its reason in a few sentences."""
    answer, ruled = told.answer, told.answer.overruled
    text = f"{told.probe.ask}? {_reason(answer)}"
    if ruled is None:
        return text
    if not answer.differs:
        return f"{text} {ruled.place} says the same: {sentence(ruled.reason)}"
    until = f" until {ruled.expires}" if ruled.expires else ""
    counts = f"so it counts as {_word(answer.counted)}"
    return (
        f"{text} {ruled.place} overrules that to {ruled.verdict}{until}, {counts}: {sentence(ruled.reason)}"
    )


def trust(counts: Counts, corpus: int) -> tuple[str, ...]:
    """How right the probe was where that is known."""
    if not counts.labels:
        return ("This probe has not been measured on labelled repositories.",)
    agreed = f"it agreed with a careful reader {counts.right} of {counts.labels} times"
    return (
        f"On {corpus} labelled repositories {agreed}; it was developed on them, so elsewhere expect less.",
        f"When it says yes it is right: {precision_text(counts)}.",
        f"Where a reader says yes it finds it: {recall_text(counts)}.",
    )


def wrapped(text: str, width: int, indent: str = "") -> Iterator[str]:
    """``text`` in lines of at most ``width`` columns, names and addresses in one piece."""
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _reason(answer: ProbeAnswer) -> str:
    if answer.verdict == "unknown":
        return f"It cannot be known: {sentence(answer.reason)[:1].lower()}{sentence(answer.reason)[1:]}"
    if answer.verdict == "not_applicable":
        return f"The question does not apply: {answer.reason.removesuffix('.')}."
    if answer.verdict == "yes" and answer.evidence:
        return _found(answer, answer.evidence[0])
    if answer.verdict == "yes":
        return f"Yes, by absence: {answer.reason.removesuffix('.')}."
    if not answer.reason.startswith(_NOTHING):
        return f"No: {answer.reason.removesuffix('.')}."
    near = answer.near[0] if answer.near else None
    nearest = f"The nearest is {near.path}:{near.line}: {near.why}." if near else "Nothing came near."
    return f"No. {sentence(answer.rule or answer.reason)} {nearest}"


def _found(answer: ProbeAnswer, best: Evidence) -> str:
    others = answer.places - 1
    more = (
        f"{others} other place{'s do' if others > 1 else ' does'} too."
        if others > 0
        else "That is the only place."
    )
    reason = answer.reason.removesuffix(".")
    return (
        f"Yes: {reason}. {more if reason == best.why else f'{answer.places} places in all, the best first.'}"
    )


def _places(places: tuple[Evidence, ...], width: int) -> Iterator[str]:
    if places:
        yield ""
    for item in places:
        inside = f" in {item.scope}" if item.scope and item.scope != item.symbol else ""
        yield f"  {item.path}:{item.line}{inside}"
        if item.excerpt:
            yield f"      {item.excerpt}"
        yield from wrapped(f"{item.why} ({item.strength}, {_PLACES[item.place]})", width, " " * 6)


def _looked_for(answer: ProbeAnswer) -> str:
    names = [readable(name) for name in answer.looked_for]
    most = FEW_NAMES if answer.evidence else MOST_NAMES
    return ", ".join(names[:most]) + (", and others" if len(names) > most else "")


def _near(answer: ProbeAnswer, title: str, width: int) -> Iterator[str]:
    if answer.near:
        yield ""
        yield title
    for item in answer.near:
        yield f"  {item.path}:{item.line}"
        if item.excerpt:
            yield f"      {item.excerpt}"
        yield from wrapped(item.why, width, " " * 6)


def _changes(answer: ProbeAnswer) -> Iterator[str]:
    if answer.overruled is not None and answer.differs:
        own = "the rest is about what the audit itself found"
        yield sentence(f"{_word(answer.verdict)}, without the line {answer.overruled.place}; {own}")
    if answer.verdict == "yes" and answer.rule and answer.evidence:
        yield f"The rule that fired: {answer.rule}."
    near_told = bool(answer.near)
    for line in answer.counter:
        if not (near_told and line.startswith("near: ")):
            yield sentence(line)


def _to_do(told: Explained) -> Iterator[str]:
    answer, probe, step = told.answer, told.probe, told.step
    if answer.counted == "no":
        yield f"{sentence(probe.remedy.text)} That is a matter of {probe.remedy.effort}{_where(step)}."
        if step is not None and step.gain:
            yield f"Tested and documented, it adds {step.gain:.2f} to the score of the capability."
        yield f"Until then: {sentence(probe.risk)}"
        yield f"To undo it: {sentence(probe.rollback)}"
    elif answer.counted == "unknown":
        yield "Settle the answer first, as said above."
        yield f"If it is no: {sentence(probe.remedy.text)} The risk: {sentence(probe.risk)}"
    else:
        yield "Nothing: it is there."
    if answer.overruled is None:
        other = "no" if answer.verdict == "yes" else "yes"
        wrong = "you know the answer" if answer.verdict == "unknown" else "the answer is wrong"
        yield f"If {wrong}, overrule it in workflow.yaml; the report will show both:"
        yield f'  overrule: {{{probe.id}: {{verdict: {other}, reason: "..."}}}}'


def _word(verdict: Verdict) -> str:
    return verdict.replace("_", " ")


def _where(step: PatchStep | None) -> str:
    files = ", ".join(step.files) if step else ""
    new = ", ".join(step.new_files) if step else ""
    return (f", in {files}" if files else "") + (f", in a new {new}" if new else "")


def _why(probe: ProbeWords) -> Iterator[str]:
    needs = ", and the capability counts as implemented only with it" if probe.core else ""
    yield f"{sentence(probe.motivation)} It feeds the component {probe.component}{needs}."
    yield from probe.references


def _section(title: str, paragraphs: Iterator[str] | tuple[str, ...], width: int) -> Iterator[str]:
    first = True
    for paragraph in paragraphs:
        if not paragraph:
            continue
        if first:
            yield ""
            yield title
            first = False
        indent = "    " if paragraph.startswith("  ") else "  "
        yield from wrapped(paragraph.strip(), width, indent)
