"""Modules that are imported by a string: what the value of ``importlib.import_module("lib")`` stands for."""

from __future__ import annotations

import re

from codex_audit.facts.model import Call, PythonFacts
from codex_audit.query.patterns import last

_PATH = re.compile(r"'([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)'")
_CONSTANT = re.compile(r"'([a-z_]\w*(?:\.[a-z_]\w*)+)'")
# The standard library's importers, and what projects call their wrappers of them.
_IMPORTERS = frozenset(
    "import_module __import__ lazy_import LazyModule LazyLoader LazyImport LazyImporter lazy_load "
    "lazy_loader optional_import try_import import_optional import_optional_dependency".split()
)
_UNKNOWN = "?"


def dynamic_imports(facts: PythonFacts) -> dict[str, str]:
    """What the result of each importer that a module calls stands for, by the call's target. An importer that is
    called for several libraries is left out: whose attribute is meant, the facts do not say."""
    named: dict[str, set[str]] = {}
    for call in facts.calls:
        if last(call.target) in _IMPORTERS:
            named.setdefault(call.target, set()).add(_library(call, facts))
    return {target: min(names) for target, names in named.items() if len(names) == 1 and "" not in names}


def _library(call: Call, facts: PythonFacts) -> str:
    """The library that an importer is asked for: a literal, or the one constant of the module that names one. A
    loader with several texts (``LazyLoader("tb", globals(), "torch.utils.tensorboard")``) names it last."""
    given = [item.value for item in call.arguments if not item.name]
    texts = [found[1] for value in given if (found := _PATH.fullmatch(value))]
    if texts:
        return texts[-1]
    if given[:1] != [_UNKNOWN]:
        return ""
    constants = {
        found[1]
        for item in facts.assignments
        if not item.scope and (found := _CONSTANT.fullmatch(item.value)) is not None
    }
    return min(constants) if len(constants) == 1 else ""
