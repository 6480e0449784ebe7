"""When a run began. Only the record and the names of reports hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from codex_evidence.errors import UsageError

VARIABLE = "SOURCE_DATE_EPOCH"

_LATEST = 253402300799  # the last second of the year 9999


def start_time(environment: Mapping[str, str]) -> datetime:
    """Now in UTC, to the second; the time that VARIABLE names when it is set (reproducible-builds.org).

    Raises UsageError when it holds anything but whole seconds since 1970.
    """
    text = environment.get(VARIABLE)
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= _LATEST):
        raise UsageError(f"{VARIABLE} is {text[:40]!a}; it must be whole seconds since 1970, or unset")
    return datetime.fromtimestamp(int(text), UTC)


def compact(moment: datetime) -> str:
    """``20250131T235959Z``, as it stands in the names of reports."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def rfc3339(moment: datetime) -> str:
    """``2025-01-31T23:59:59Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
