"""What every check of a setting needs: known names, mappings, texts, and values as messages show them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any, TypeGuard

from codex_audit.workflow.documents import Document, KeyPath


def nearest(name: str, names: Collection[str]) -> str:
    """The one of ``names`` most like ``name``, empty when there is none."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.0)), "")


def known(document: Document, path: KeyPath, what: str, names: Collection[str]) -> None:
    """Raises UsageError when the last part of ``path`` is none of ``names``, naming the nearest."""
    if path[-1] not in names:
        document.refuse(path, f"unknown {what} {path[-1]!a}; did you mean {nearest(str(path[-1]), names)!r}?")


def mapping(document: Document, key: str, example: str) -> dict[str, Any]:
    """The mapping under ``key``, empty without that key. Raises UsageError for anything else."""
    value = document.values.get(key, {})
    if not isinstance(value, dict):
        document.refuse((key,), f"{key} must be a mapping {example}")
    return value


def texts(document: Document, key: str, wanted: str) -> tuple[str, ...]:
    """The list of texts under ``key``. Raises UsageError for anything else."""
    value = document.values[key]
    if not isinstance(value, list) or not all(is_text(item) for item in value):
        document.refuse((key,), f"{key} must be {wanted}")
    return tuple(value)


def is_number(value: object) -> bool:
    """Whether ``value`` is a number and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_text(value: object) -> TypeGuard[str]:
    """Whether ``value`` says something on one line."""
    # isprintable refuses line breaks, NUL and lone surrogates, which no report or file name can hold.
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def shown_value(value: object) -> str:
    """``value`` as a message quotes it: short, in ASCII."""
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else ascii(value)[:60]


def day_of(value: Any) -> date | None:
    """A day as YAML and TOML read it, or in quotes; None for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
