"""What must be the same for a run to go on as if it had never stopped, and what the user may let through by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.run_identity import FIELDS, Difference, Identity, differences

_LONGEST = 60


class ResumeRefusedError(CodexError):
    """A run that would not go on as the one that was stopped."""

    exit_code = 2


def require_same(recorded: Identity, now: Identity, accept: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields that differ and are let through by ``accept``, to be recorded as overrides, in order.

    ``accept`` names fields or what they lie in (`environment`). Raises ResumeRefusedError for a difference that it does
    not name, UsageError for a name that no field can have.
    """
    _check_names(accept, recorded, now)
    found = differences(recorded, now)
    refused = [item for item in found if not _is_named(item.field, accept)]
    if refused:
        raise ResumeRefusedError(refusal(refused))
    return tuple(item.field for item in found)


def refusal(found: Sequence[Difference]) -> str:
    """One line on ``found``, which is not empty: the first difference, the names of the others, what to do."""
    first, others = found[0], [item.field for item in found[1:]]
    line = f"the run cannot go on: {first.field} was {_shown(first.recorded)} and is {_shown(first.now)}"
    if first.detail:
        line += f" ({first.detail})"
    if others:
        named = ", ".join(others[:4]) + (", ..." if len(others) > 4 else "")
        line += f" (and {len(others)} more: {named})"
    accept = " ".join(f"--accept {item.field}" for item in found[:5])
    return f"{line}; put it back, or go on with {accept}, which is recorded"


def _is_named(field: str, accept: Sequence[str]) -> bool:
    return any(field == name or field.startswith(name + ".") for name in accept)


def _check_names(accept: Sequence[str], recorded: Identity, now: Identity) -> None:
    known = set(FIELDS)
    for identity in (recorded, now):
        for place in ("config", "environment", "model"):
            known |= set(_names(place, getattr(identity, place)))
    for name in accept:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.5)
            hint = (
                f"did you mean {near[0]}?" if near else f"there are {', '.join(FIELDS)} and what is in them"
            )
            raise UsageError(f"--accept {name!a} names no field; {hint}")


def _names(place: str, value: Any) -> Iterator[str]:
    yield place
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _names(f"{place}.{key}", item)


def _shown(value: Any) -> str:
    text = canonical_bytes(value).decode() if value is not None else "not there"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
