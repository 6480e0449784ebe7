"""The names, in lower case, by which a document can speak of code. Its other words mean nothing to any probe."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import PythonFacts
from codex_audit.query.patterns import last

# Letters. A shorter name is found in prose by chance; what was found is rarer than what is defined.
_SHORTEST_FOUND, _SHORTEST_DEFINED = 4, 5


def is_readme(path: str) -> bool:
    """Whether the file is one whose words say which modules matter most."""
    return path.lower().startswith("readme")


def names_of_evidence(item: Evidence) -> frozenset[str]:
    """The symbol, its option spelling, and the function that holds it."""
    names = (last(item.symbol).lower().strip("()"), last(item.scope).lower())
    return frozenset(name for name in names if len(name) >= _SHORTEST_FOUND)


def names_of_module(path: str, facts: PythonFacts) -> Iterator[str]:
    """The stem of the file, and the classes and functions that it defines."""
    yield path.rpartition("/")[2].partition(".")[0].lower()
    names = (
        *(item.name for item in facts.classes),
        *(item.name for item in facts.functions if not item.scope),
    )
    yield from (name.lower() for name in names if len(name) >= _SHORTEST_DEFINED)
