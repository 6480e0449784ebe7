"""Which code a user can reach: from an entry point, as a public name, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from codex_audit.facts.model import FileFacts
from codex_audit.query.documented import documented_names
from codex_audit.query.graph import Graph, node_of
from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import last

_WORD = re.compile(r"[A-Za-z_]\w*")
_NAMED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*").fullmatch


@dataclass(frozen=True)
class Liveness:
    files: tuple[FileFacts, ...]
    modules: Modules
    graph: Graph
    _memo: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    @cached_property
    def entries(self) -> frozenset[str]:
        """Nodes where a run starts: main guards, ``__main__`` modules, scripts, and declared console scripts."""
        roots = {node_of(module, "") for module in self.modules.every if module.countable and _starts(module)}
        for file in self.files:
            if file.settings is None:
                continue
            for item in file.settings.settings:
                if ("scripts" in item.key or "entry_points" in item.key) and ":" in item.value:
                    roots |= {_node(part, self.modules) for part in _targets(item.value)}
        for module in self.modules.every:
            if module.path == "setup.py":
                declared = (part for text in module.facts.texts for part in _targets(text.text))
                roots |= {_node(part, self.modules) for part in declared}
        return frozenset(roots - {""})

    @cached_property
    def from_entries(self) -> frozenset[str]:
        return self.graph.reached_from(self.entries)

    @cached_property
    def _mentioned(self) -> frozenset[str]:
        """Last segments of everything that countable code refers to, exports, or names in a string, of every
        configuration value and console script, and what documents import from the tree: a name in none of these is a
        name that nobody uses."""
        names = {last(entry) for entry in self.entries} | documented_names(self.files, self.modules)
        for module in self.modules.every:
            if not module.countable:
                continue
            facts = module.facts
            names.update(last(item.name) for item in facts.references)
            names.update(last(item.target) for item in facts.imports)
            names.update(facts.exported or ())
            names.update(last(text.text.replace(":", ".")) for text in facts.texts if _NAMED(text.text))
            names.update(self._starred(module) if module.is_package else ())
        for file in self.files:
            if file.settings is not None and not file.facets & {"test", "vendored"}:
                for setting in file.settings.settings:
                    names.update(_WORD.findall(setting.value[:300]))
        return frozenset(names)

    def _starred(self, package: Module) -> Iterator[str]:
        """The public names that a package exports by ``from .module import *``."""
        for name, origin in self.modules.starred(package).items():
            exported = origin.facts.exported
            if name in exported if exported else not name.startswith("_") and "." not in name:
                yield name

    def why_dead(self, module: Module, scope: str) -> str:
        """Why nobody can reach this scope; empty when somebody can."""
        key = (module.path, scope)
        if key not in self._memo:
            self._memo[key] = self._why_dead(module, scope)
        return self._memo[key]

    def _why_dead(self, module: Module, scope: str) -> str:
        if not scope:
            return ""
        parts = scope.split(".")
        for depth in range(1, len(parts) + 1):
            reason = self._why_dead_part(module, ".".join(parts[:depth]))
            if reason:
                return reason
        return ""

    def _why_dead_part(self, module: Module, name: str) -> str:
        function = module.functions.get(name)
        short = last(name)
        if function is None:
            cls = module.classes.get(name)
            private = short.startswith("_") and cls is not None and not cls.decorators
            return (
                f"in {short}, a private class that nothing uses"
                if private and short not in self._mentioned
                else ""
            )
        if function.stub:
            return f"stub: {short} has no body"
        if short in self._mentioned or function.decorators or short.startswith("__"):
            return ""
        owner = name.rpartition(".")[0]
        if owner in module.classes:
            if module.classes[owner].bases or not short.startswith("_"):
                return ""
            return f"in {short}, a private method that nothing calls"
        return f"in {short}, which nothing calls or exports"


def _starts(module: Module) -> bool:
    if module.facts.main_guard or module.path.endswith("__main__.py"):
        return True
    return "script" in module.file.facets or "example" in module.file.facets


def _targets(value: str) -> list[str]:
    """The ``module:function`` parts of a console-script value."""
    return re.findall(r"[\w.]+:[\w.]+", value)


def _node(target: str, modules: Modules) -> str:
    name, _, inner = target.partition(":")
    module = modules.by_name.get(name)
    if module is None:
        return ""
    absolute = modules.canonical(f":{inner}", module)
    found, rest = modules.split(absolute)
    return node_of(found, rest) if found is not None else ""
