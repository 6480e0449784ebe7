"""Verdicts that a user overrules: what may be said, and until when it holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from codex_audit.artifacts import Overruling
from codex_audit.workflow.documents import Document
from codex_audit.workflow.settings import Workflow
from codex_audit.workflow.values import day_of, is_text, known, mapping, shown_value

KEY = "overrule"
FIELDS = ("verdict", "reason", "expires")

_EXAMPLE = "of probes to a verdict and a reason, such as 'config.sweep: {verdict: no, reason: dead code}'"


def overrulings(document: Document, probes: Collection[str]) -> dict[str, Overruling]:
    """What ``document`` overrules, by probe. Raises UsageError for whatever is unknown, missing or of a wrong type."""
    value = mapping(document, KEY, _EXAMPLE)
    for name in value:
        known(document, (KEY, name), "probe", probes)
    return {name: _overruling(document, name, value[name]) for name in sorted(value)}


def in_force(workflow: Workflow, today: date) -> tuple[Workflow, tuple[str, ...]]:
    """``workflow`` without what has expired before ``today``, and a note on each that has."""
    past = {
        probe: one
        for probe, one in workflow.overrule.items()
        if one.expires and date.fromisoformat(one.expires) < today
    }
    notes = (
        f"{one.place}: overruling {probe} expired after {one.expires}, so the audit's own verdict counts"
        for probe, one in past.items()
    )
    kept = {probe: one for probe, one in workflow.overrule.items() if probe not in past}
    return replace(workflow, overrule=kept), tuple(notes)


def _overruling(document: Document, probe: str, value: Any) -> Overruling:
    path = (KEY, probe)
    if not isinstance(value, dict):
        document.refuse(path, f"overruling {probe!r} needs a verdict and a reason, not {shown_value(value)}")
    for name in value:
        known(document, (*path, name), "key", FIELDS)
    reason = value.get("reason")
    if not is_text(reason):
        document.refuse((*path, "reason"), f"overruling {probe!r} needs a reason, in words")
    return Overruling(
        verdict=_verdict(document, probe, value.get("verdict")),
        reason=reason.strip(),
        file=document.name.rpartition("/")[2],
        line=document.line_of(path),
        expires=_expiry(document, probe, value["expires"]) if "expires" in value else "",
    )


def _verdict(document: Document, probe: str, value: Any) -> Literal["yes", "no"]:
    # YAML 1.1 reads a bare yes or no as a boolean, and a quoted one as text.
    word = ("no", "yes")[value] if isinstance(value, bool) else str(value).lower()
    if word not in ("yes", "no"):
        said = f", not {shown_value(value)}" if value is not None else ""
        document.refuse((KEY, probe, "verdict"), f"overruling {probe!r} needs the verdict yes or no{said}")
    return "yes" if word == "yes" else "no"


def _expiry(document: Document, probe: str, value: Any) -> str:
    day = day_of(value)
    if day is None:
        problem = f"the expiry of {probe!r} must be a day such as 2027-06-30, not {shown_value(value)}"
        document.refuse((KEY, probe, "expires"), problem)
    return day.isoformat()
