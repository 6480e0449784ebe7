"""A release check for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

from codex_audit.release.model import Answer, Status
from codex_audit.reports.escaping import code, text


def table(answers: tuple[Answer, ...]) -> Iterator[str]:
    """A line an item, and what shows it under those that failed."""
    width = max(len(one.item) for one in answers)
    for one in answers:
        yield f"{one.outcome.status:<8} {one.item:<{width}}  {one.outcome.reason}"
        if one.outcome.status == "failed":
            yield from (f"{'':<8} {'':<{width}}  see {place}" for place in one.outcome.evidence)


def summary(answers: tuple[Answer, ...], *, good: bool) -> str:
    """The end in one line."""
    counts = Counter(one.outcome.status for one in answers)
    said = ", ".join(f"{counts[status]} {status}" for status in get_args(Status) if counts[status])
    return f"{'ready for release' if good else 'not ready for release'}: {said}"


def checklist(answers: tuple[Answer, ...], *, good: bool) -> str:
    """The same as a Markdown list of tasks (GitHub Flavored Markdown 5.3)."""
    lines = ["# Release check", "", f"{text(summary(answers, good=good))}.", ""]
    for one in answers:
        outcome = one.outcome
        mark = "x" if outcome.status == "passed" else " "
        word = "" if outcome.status == "passed" else f"**{outcome.status}** "
        places = "".join(f" {code(place)}" for place in outcome.evidence)
        lines.append(f"- [{mark}] {text(one.question)} {word}{text(outcome.reason)}.{places}")
    return "\n".join(lines) + "\n"


def document(answers: tuple[Answer, ...], *, good: bool) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "ready": good,
        "items": [
            {
                "item": one.item,
                "question": one.question,
                "status": one.outcome.status,
                "reason": one.outcome.reason,
                "evidence": list(one.outcome.evidence),
                "seconds": one.seconds,
            }
            for one in answers
        ],
    }
