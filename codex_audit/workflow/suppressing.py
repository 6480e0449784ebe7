"""Findings of scanners that a user lets be: which rule, where, why, and until when."""

from __future__ import annotations

from typing import Any

from codex_audit.listing.exclude import excluder
from codex_audit.scanners.rules import SuppressRule
from codex_audit.workflow.documents import Document
from codex_audit.workflow.values import day_of, is_text, known, shown_value
from codex_evidence.errors import UsageError

KEY = "suppress"
FIELDS = ("rule", "path", "reason", "expires")

_EXAMPLE = "such as {rule: B101, path: 'tests/**', reason: tests assert, expires: 2027-06-30}"


def suppress_rules(document: Document) -> tuple[SuppressRule, ...]:
    """What ``document`` suppresses, in its order. Raises UsageError for whatever is unknown, missing or of a wrong
    type."""
    value = document.values[KEY]
    if not isinstance(value, list):
        document.refuse((KEY,), f"{KEY} must be a list of rules with path, reason and expires, {_EXAMPLE}")
    return tuple(_rule(document, number, item) for number, item in enumerate(value))


def _rule(document: Document, number: int, value: Any) -> SuppressRule:
    path = (KEY, number)
    if not isinstance(value, dict):
        document.refuse(path, f"an entry of {KEY} needs rule, path, reason and expires, {_EXAMPLE}")
    for name in value:
        known(document, (*path, name), "key", FIELDS)
    for name in FIELDS[:3]:
        if not is_text(value.get(name)):
            document.refuse((*path, name), f"an entry of {KEY} needs a {name} in words, {_EXAMPLE}")
    day = day_of(value.get("expires"))
    if day is None:
        problem = f"an entry of {KEY} needs expires, a day such as 2027-06-30, not "
        document.refuse((*path, "expires"), problem + shown_value(value.get("expires")))
    try:
        excluder((value["path"],))
    except UsageError as error:
        document.refuse((*path, "path"), str(error).replace("exclude: ", "", 1))
    return SuppressRule(
        rule=value["rule"].strip(),
        path=value["path"].strip(),
        reason=value["reason"].strip(),
        expires=day.isoformat(),
        file=document.name.rpartition("/")[2],
        line=document.line_of(path),
    )
