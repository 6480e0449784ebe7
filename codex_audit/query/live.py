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
    elsewhere: frozenset[str] = frozenset()
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
        name that nobody uses. What only hidden code mentions waits until its owner is mentioned."""
        names = {last(entry) for entry in self.entries} | documented_names(self.files, self.modules)
        names |= self._configured() | self.elsewhere
        hidden: dict[str, set[str]] = {}
        for module in self.modules.every:
            if module.countable:
                names.update(module.facts.exported or ())
                names.update(self._starred(module) if module.is_package else ())
                for owner, mentioned in _mentions(module).items():
                    (hidden.setdefault(owner, set()) if owner else names).update(mentioned)
        found = names & hidden.keys()
        while found:
            names = names.union(*(hidden.pop(name) for name in found))
            found = names & hidden.keys()
        return frozenset(names)

    def _configured(self) -> set[str]:
        """The words of configuration values."""
        return {
            word
            for file in self.files
            if file.settings is not None and not file.facets & {"test", "vendored"}
            for setting in file.settings.settings
            for word in _WORD.findall(setting.value[:300])
        }

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


def _mentions(module: Module) -> dict[str, set[str]]:
    """The last segments of the names in a module: under the empty name, and under that of each private function or
    class what stands in it."""
    scopes: dict[str, set[str]] = {}
    for name, _, scope in module.facts.references:
        scopes.setdefault(scope, set()).add(name)
    for item in module.facts.imports:
        scopes.setdefault(item.scope, set()).add(item.target)
        if item.target.startswith("ml_collections"):
            scopes.setdefault("", set()).add("get_config")  # called in the file that a user names
    for text, _, _, scope in module.facts.texts:
        if _NAMED(text):
            scopes.setdefault(scope, set()).add(text.replace(":", "."))
    found: dict[str, set[str]] = {}
    for scope, names in scopes.items():
        found.setdefault(_hidden(module, scope), set()).update(map(last, names))
    return found


def _hidden(module: Module, scope: str) -> str:
    """The outermost private function, method or class around a scope, unless a decorator or a base may use it."""
    parts = scope.split(".") if "_" in scope else []
    for depth, part in enumerate(parts, 1):
        if part.startswith("_") and not part.startswith("__"):
            name = ".".join(parts[:depth])
            definition = module.functions.get(name) or module.classes.get(name)
            owner = module.classes.get(definition.scope) if definition is not None else None
            if definition is not None and not definition.decorators and not (owner and owner.bases):
                return part
    return ""


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
