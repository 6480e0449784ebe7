"""Settings as written, over the defaults, to a Workflow; each mistake is named with its place and remedy."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from codex_audit.artifacts import Overruling
from codex_audit.workflow.documents import Document
from codex_audit.workflow.overruling import overrulings
from codex_audit.workflow.settings import COMPONENTS, STAGES, Source, Vocabulary, Workflow, defaults
from codex_audit.workflow.suppressing import suppress_rules
from codex_audit.workflow.values import is_number, is_text, known, mapping, nearest, shown_value, texts

KEYS = ("stages", "weights", "threshold", "exclude", "disable", "overrule", "suppress", "formats", "ledger")


def workflow_from(document: Document, source: Source, names: Vocabulary) -> Workflow:
    """The settings of ``document``; what it leaves out has its default.

    Raises UsageError for unknown keys and names, wrong types and values out of range.
    """
    for key in document.values:
        known(document, (key,), "key", KEYS)
    read: dict[str, Callable[[], Any]] = {
        "stages": lambda: _stages(document),
        "weights": lambda: _weights(document),
        "threshold": lambda: _threshold(document),
        "exclude": lambda: _exclude(document),
        "disable": lambda: _disable(document, names.probes),
        "overrule": lambda: _overrule(document, names.probes),
        "suppress": lambda: suppress_rules(document),
        "formats": lambda: _formats(document, names.formats),
        "ledger": lambda: _ledger(document),
    }
    return replace(defaults(), source=source, **{key: read[key]() for key in KEYS if key in document.values})


def _stages(document: Document) -> tuple[str, ...]:
    value = document.values["stages"]
    if not isinstance(value, list) or not value or tuple(value) != STAGES[: len(value)]:
        document.refuse(("stages",), "stages must be a list from S1 on without holes, such as [S1, S2, S3]")
    return tuple(value)


def _weights(document: Document) -> dict[str, float]:
    value = mapping(document, "weights", "such as 'tests: 0.3'")
    for name, weight in value.items():
        known(document, ("weights", name), "weight", COMPONENTS)
        if not is_number(weight) or not 0 <= weight <= 1e6:
            document.refuse(
                ("weights", name), f"weight {name!r} must be a number from 0 up, not {shown_value(weight)}"
            )
    merged = defaults().weights | {name: float(weight) for name, weight in value.items()}
    if sum(merged.values()) <= 0:
        document.refuse(("weights",), "all weights are 0; at least one must be above")
    return merged


def _threshold(document: Document) -> float:
    value = document.values["threshold"]
    if not is_number(value) or not 0 <= value <= 1:
        document.refuse(
            ("threshold",), f"threshold must be a number between 0 and 1, not {shown_value(value)}"
        )
    return float(value)


def _ledger(document: Document) -> str:
    value = document.values["ledger"]
    if not is_text(value) or value.startswith("/") or ".." in value.split("/"):
        document.refuse(
            ("ledger",),
            f"ledger must be a path relative to the tree, such as docs/open.md, not {shown_value(value)}",
        )
    return str(value)


def _exclude(document: Document) -> tuple[str, ...]:
    globs = texts(document, "exclude", "a list of globs, such as [third_party/**]")
    for glob in globs:
        if glob.startswith("/") or ".." in glob.split("/"):
            document.refuse(("exclude",), f"exclude {glob!a} must be relative to the tree and stay within it")
    return globs


def _disable(document: Document, probes: Collection[str]) -> dict[str, str]:
    value = mapping(document, "disable", "of probes to reasons, such as 'config.sweep: run elsewhere'")
    for name, reason in value.items():
        known(document, ("disable", name), "probe", probes)
        if not is_text(reason):
            document.refuse(("disable", name), f"disabling {name!r} needs a reason, in words")
    return {name: value[name].strip() for name in sorted(value)}


def _overrule(document: Document, probes: Collection[str]) -> dict[str, Overruling]:
    found = overrulings(document, probes)
    for name in sorted(found.keys() & _disable(document, probes).keys()):
        line = document.line_of(("disable", name))
        document.refuse(
            ("overrule", name),
            f"{name!r} is disabled on line {line} and overruled here; keep one: what is not asked has no verdict",
        )
    return found


def _formats(document: Document, known: Collection[str]) -> tuple[str, ...]:
    names = texts(document, "formats", f"a list of some of {', '.join(known)}")
    if not names:
        document.refuse(("formats",), f"formats is empty; name some of {', '.join(known)}")
    for name in names:
        if name not in known:
            document.refuse(("formats",), f"unknown format {name!a}; did you mean {nearest(name, known)!r}?")
    return tuple(name for name in known if name in names)
