"""Imports that may fail without a word: the feature is gone and nobody is told."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from codex_audit.facts.model import Handler, Import
from codex_audit.query.modules import Module
from codex_audit.status.ground import Ground
from codex_audit.status.model import Citation, Finding
from codex_audit.status.words import count, names

NAME = "silent-import"
_SHOWN = 4
_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_TOLD = frozenset({"ImportError", "ModuleNotFoundError", "RuntimeError", "SystemExit"})
_TELLING = (
    "warn",
    "warning",
    "error",
    "critical",
    "print",
    "info",
    "debug",
    "exception",
    "exit",
    "skip",
    "importorskip",
)
_NOTHING = frozenset({"None", "False", "object"})
_MOST_BETWEEN = 2


def detect(ground: Ground) -> Iterator[Finding]:
    found = [
        (module, item)
        for module in ground.modules
        for item in silent_imports(module)
        if not _tells(module) and not _asked_for(item, module)
    ]
    if not found:
        return
    files = {module.path for module, _ in found}
    packages = sorted({item.target.partition(".")[0] for _, item in found})
    yield Finding(
        NAME,
        f"{count(len(found), 'optional import fails', 'optional imports fail')} silently in "
        f"{count(len(files), 'module')}: {names(packages)}",
        "medium",
        "Where the package is missing the feature is switched off and the run goes on as if it were there.",
        len(files),
        tuple(Citation(module.path, item.line, item.target) for module, item in found[:_SHOWN]),
        "Say once what is missing and which extra brings it, where the feature is asked for.",
        "hours",
        max(0, len(found) - _SHOWN),
    )


def silent_imports(module: Module) -> Iterator[Import]:
    """Imports of other packages whose failure ends in a name that is None or False, or in nothing."""
    starts = module.facts.starts()
    for handler in module.facts.handlers:
        if handler.scope or (handler.exceptions and not _CAUGHT & set(handler.exceptions)):
            continue
        item = _guarded(handler, module, starts)
        if item is not None and _swallowed(handler, module, starts):
            yield item


def _guarded(handler: Handler, module: Module, starts: list[int]) -> Import | None:
    """The import that the handler is there for: the last before it, with hardly anything between."""
    before = [
        item
        for item in module.facts.imports
        if item.scope == handler.scope and item.line < handler.line and not item.target.startswith(".")
    ]
    item = max(before, key=lambda one: one.line, default=None)
    if item is None:
        return None
    between = bisect_left(starts, handler.line) - bisect_right(starts, item.line)
    return item if between <= _MOST_BETWEEN and item.line in starts else None


def _swallowed(handler: Handler, module: Module, starts: list[int]) -> bool:
    """Whether the first statement of the handler sets a name to nothing or does nothing."""
    place = bisect_right(starts, handler.line)
    line = starts[place] if place < len(starts) else 0
    if line == 0 or line > handler.line + 4:
        return False
    facts = module.facts
    assigned = [item.value for item in facts.assignments if item.line == line]
    if assigned:
        return all(value in _NOTHING for value in assigned)
    does = (
        *(item.line for item in facts.calls),
        *(item.line for item in facts.imports),
        *(item.line for item in facts.raises),
        *(item.line for item in facts.functions),
        *(item.line for item in facts.classes),
        *(item.line for item in facts.references),
    )
    return line not in does


def _asked_for(item: Import, module: Module) -> bool:
    """Whether a call is given the package's name, as in ``requires_backends(self, "peft")``: something checks."""
    name = re.compile(rf"""['"]{re.escape(item.target.partition(".")[0])}['"]""")
    return any(name.search(argument.value) for call in module.facts.calls for argument in call.arguments)


def _tells(module: Module) -> bool:
    """Whether the module anywhere says that something is missing: finer than that, its facts do not tell."""
    if any(item.exception.rpartition(".")[2].removesuffix("()") in _TOLD for item in module.facts.raises):
        return True
    return any(call.target.rpartition(".")[2] in _TELLING for call in module.facts.calls)
