"""Places in code with resolved names: what is called, referred to or assigned where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from codex_audit.facts.model import Argument, Assignment, Call
from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import NameIndex, last, name_index

_ASKS = frozenset({"isinstance", "issubclass", "hasattr", "getattr"})


class Site(NamedTuple):
    """One place in a module. ``target`` is absolute; ``call`` and ``assignment`` carry the fact behind it, if any.

    A named tuple, because a large tree has hundreds of thousands.
    """

    module: Module
    target: str
    line: int
    scope: str
    call: Call | None = None
    assignment: Assignment | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return self.call.arguments if self.call else ()

    def argument(self, name: str, position: int = -1) -> str:
        """The written value of a keyword, or of the argument at ``position``; empty when not given."""
        positional = 0
        for item in self.arguments:
            if item.name == name and name:
                return item.value
            if not item.name:
                if positional == position:
                    return item.value
                positional += 1
        return ""

    def has(self, *names: str) -> bool:
        """Whether a keyword of one of these names is given."""
        return any(item.name in names for item in self.arguments)

    @property
    def symbol(self) -> str:
        """The absolute name of the function or class that holds the site."""
        return f"{self.module.name}.{self.scope}".strip(".")


@dataclass(frozen=True)
class SiteIndex:
    """Sites by every absolute name they answer to."""

    sites: dict[str, tuple[Site, ...]]

    @cached_property
    def _names(self) -> NameIndex:
        return name_index(self.sites)

    def find(self, patterns: tuple[str, ...]) -> Iterator[Site]:
        """Each matching site once, pattern by pattern."""
        seen: set[int] = set()
        for pattern in patterns:
            for name in self._names.match(pattern):
                for site in self.sites[name]:
                    if id(site) not in seen:
                        seen.add(id(site))
                        yield site


def call_index(modules: Modules) -> SiteIndex:
    """Every call under its target, and under the library names that a class of the tree inherits.

    ``MyTrainer().train()`` also answers to ``transformers.Trainer().train`` when ``MyTrainer`` derives
    from it and does not define ``train`` itself; ``MyTrainer()`` also to ``transformers.Trainer``.
    """
    found: dict[str, list[Site]] = {}
    answers: dict[str, tuple[list[Site], ...]] = {}
    for module in modules.every:
        for call in module.facts.calls:
            target = modules.canonical(call.target, module)
            lists = answers.get(target)
            if lists is None:
                names = (target, *_inherited(target, modules))
                lists = answers[target] = tuple(found.setdefault(name, []) for name in names)
            site = Site(module, target, call.line, call.scope, call)
            for sites in lists:
                sites.append(site)
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def _inherited(target: str, modules: Modules) -> list[str]:
    head, called, rest = target.partition("()")
    if modules.class_of(head) is None:
        return []
    ancestors = modules.ancestors(head)
    if not called:
        return list(ancestors)
    method = rest.removeprefix(".")
    own = modules.method(head, method) if method and "." not in method else ""
    names = [own] if own else []
    for ancestor in ancestors:
        if own.startswith(f"{ancestor}.") or (own and modules.class_of(ancestor) is None):
            continue
        names.append(f"{ancestor}(){rest}")
    return names


def gives(*names: str, nothing: tuple[str, ...] = ("", "None")) -> Callable[[Site], bool]:
    """Whether a call gives one of these keywords a value that says something."""
    return lambda site: any(site.argument(name) not in nothing for name in names)


def keyword_index(calls: SiteIndex) -> SiteIndex:
    """Calls by the keywords they give."""
    found: dict[str, list[Site]] = {}
    seen: set[int] = set()
    for sites in calls.sites.values():
        for site in sites:
            if id(site) not in seen:
                seen.add(id(site))
                for name in {item.name for item in site.arguments} - {"", "*", "**"}:
                    found.setdefault(name, []).append(site)
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def handed_index(modules: Modules) -> SiteIndex:
    """Calls by the names that they are given as values (``f(Model)``, not ``f(Model())``). Type checks hand
    nothing on."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for call in module.facts.calls:
            for item in call.arguments if last(call.target) not in _ASKS else ():
                if item.value[:1].isalpha() or item.value[:1] in ":.":
                    value = modules.canonical(item.value, module)
                    if "()" not in value:
                        site = Site(module, value, call.line, call.scope, call=call)
                        found.setdefault(value, []).append(site)
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def base_index(modules: Modules) -> SiteIndex:
    """Classes by the absolute name of each of their ancestors."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for cls in module.facts.classes:
            for base in modules.ancestors(f"{module.name}.{cls.name}" if module.name else cls.name):
                found.setdefault(base, []).append(Site(module, base, cls.line, cls.name))
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def item_index(modules: Modules) -> SiteIndex:
    """Entries of dicts by key; the assignment of a site holds the value."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for item in module.facts.items:
            entry = Assignment(item.key, item.value, item.line, item.scope)
            site = Site(module, item.key, item.line, item.scope, assignment=entry)
            found.setdefault(item.key, []).append(site)
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def reference_index(modules: Modules) -> SiteIndex:
    """Every reference under its absolute name."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for item in module.facts.references:
            target = modules.canonical(item.name, module)
            found.setdefault(target, []).append(Site(module, target, item.line, item.scope))
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def import_index(modules: Modules) -> SiteIndex:
    """Imports of code that counts, by what they name."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for item in module.facts.imports if module.countable else ():
            found.setdefault(item.target, []).append(Site(module, item.target, item.line, ""))
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})


def assignment_index(modules: Modules) -> SiteIndex:
    """Every assignment under the absolute name of its target; a plain local name stands for itself."""
    found: dict[str, list[Site]] = {}
    for module in modules.every:
        for item in module.facts.assignments:
            target = modules.canonical(item.target, module) if "." in item.target else item.target
            site = Site(module, target, item.line, item.scope, assignment=item)
            found.setdefault(target, []).append(site)
    return SiteIndex({name: tuple(sites) for name, sites in found.items()})
