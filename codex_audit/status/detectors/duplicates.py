"""Modules that stand twice: the same bytes, the same definitions, or a left-over copy beside the one in use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.query.modules import Module
from codex_audit.status.ground import ASIDE, Ground
from codex_audit.status.model import Citation, Finding
from codex_audit.status.words import count

NAME = "duplicate-module"
_LEAST_BYTES = 200
_LEAST_STATEMENTS = 25
_LEAST_DEFINITIONS = 3
# ``training.py01``, ``training.py.bak``, ``training_old.py``, ``training (1).py``, ``training copy.py``.
_COPY = re.compile(
    r"(?P<stem>.+?)(?:\.py(?:\d+|~|\.(?:bak|old|orig|save))|(?:[_-](?:old|bak|backup|copy|orig)\d*| copy| \(\d+\))\.py)"
)


def detect(ground: Ground) -> Iterator[Finding]:
    same = _same_bytes(ground)
    yield from same.values()
    known = frozenset(place for finding in same.values() for place in finding.places)
    yield from _same_code(ground, frozenset(place.path for place in known))
    yield from _left_over(ground)


def _same_bytes(ground: Ground) -> dict[str, Finding]:
    groups: dict[str, list[str]] = {}
    for entry in ground.committed():
        plain = entry.path.endswith(".py") and entry.size >= _LEAST_BYTES and entry.sha256
        if plain and not ground.facets(entry.path) & ASIDE:
            groups.setdefault(entry.sha256, []).append(entry.path)
    return {
        digest: _finding(f"{count(len(paths), 'file')} with the same bytes", paths)
        for digest, paths in groups.items()
        if len(paths) > 1
    }


def _same_code(ground: Ground, known: frozenset[str]) -> Iterator[Finding]:
    """Modules with the same definitions whose statements stand at the same distances: one was copied."""
    groups: dict[tuple[bytes, tuple[str, ...]], list[str]] = {}
    for module in ground.modules:
        shape = module.facts.statements
        defined = _defined(module)
        if (
            len(shape) >= _LEAST_STATEMENTS
            and len(defined) >= _LEAST_DEFINITIONS
            and module.path not in known
        ):
            groups.setdefault((_relative(shape), defined), []).append(module.path)
    for (_, defined), paths in groups.items():
        if len(paths) > 1:
            title = (
                f"{count(len(paths), 'module')} define the same {len(defined)} names, statement by statement"
            )
            yield _finding(title, paths)


def _relative(shape: bytes) -> bytes:
    """The shape below its first statement: a licence header more or less changes nothing."""
    return shape.lstrip(b"\xff")[1:]


def _defined(module: Module) -> tuple[str, ...]:
    functions = (item.name for item in module.facts.functions if not item.scope)
    return (*functions, *(item.name for item in module.facts.classes if not item.scope))


def _left_over(ground: Ground) -> Iterator[Finding]:
    for entry in ground.committed():
        folder, _, name = entry.path.rpartition("/")
        match = _COPY.fullmatch(name)
        if match is None or ground.facets(entry.path) & ASIDE:
            continue
        original = f"{folder}/{match['stem']}.py" if folder else f"{match['stem']}.py"
        if original != entry.path and original in ground.entries:
            yield Finding(
                NAME,
                f"`{entry.path}` looks like a copy of `{original}`",
                "medium",
                "Two versions drift apart, and readers cannot tell which one runs.",
                2,
                (Citation(entry.path), Citation(original)),
                f"Compare the two, keep `{original}` and delete the other; git keeps the history.",
                "minutes",
            )


def _finding(title: str, paths: list[str]) -> Finding:
    return Finding(
        NAME,
        title,
        "medium",
        "A fix in one copy is forgotten in the others, and they drift apart.",
        len(paths),
        tuple(Citation(path) for path in paths[:3]),
        "Keep one, and let the others import from it.",
        "hours",
        max(0, len(paths) - 3),
    )
