"""Facts of a generated source text moved to the lines of the file it was made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from codex_audit.facts.model import PythonFacts
from codex_audit.facts.python.statements import packed


def relocated(facts: PythonFacts, places: Sequence[int]) -> PythonFacts:
    """``facts`` with each line ``n`` replaced by ``places[n - 1]``; lines beyond the last stay on it."""

    def moved(item: Any) -> Any:
        changes: dict[str, Any] = {
            name: _place(getattr(item, name), places) for name in ("line", "end") if hasattr(item, name)
        }
        if hasattr(item, "parameters"):
            changes["parameters"] = tuple(moved(inner) for inner in item.parameters)
        if hasattr(item, "fields"):
            changes["fields"] = tuple(moved(inner) for inner in item.fields)
        return item._replace(**changes) if changes else item

    changed: dict[str, Any] = {
        part.name: tuple(moved(item) for item in getattr(facts, part.name))
        for part in dataclasses.fields(facts)
        if isinstance(getattr(facts, part.name), tuple) and part.name != "exported"
    }
    starts = (_place(line, places) for line in facts.starts())
    return dataclasses.replace(
        facts, **changed, main_guard=_place(facts.main_guard, places), statements=packed(starts)
    )


def _place(line: int, places: Sequence[int]) -> int:
    if not line or not places:
        return line
    return places[min(line, len(places)) - 1]
