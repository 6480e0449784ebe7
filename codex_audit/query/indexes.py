"""Every way in which a search finds places in code; each index is made once, when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from codex_audit.facts.model import Call, FileFacts
from codex_audit.query.edges import Referring, build_graph, referring_of
from codex_audit.query.graph import Graph
from codex_audit.query.live import Liveness
from codex_audit.query.modules import Module, Modules, modules_of
from codex_audit.query.options import Option, options_of
from codex_audit.query.patterns import NameIndex, name_index
from codex_audit.query.sites import (
    SiteIndex,
    assignment_index,
    base_index,
    call_index,
    handed_index,
    import_index,
    item_index,
    keyword_index,
    reference_index,
)

_SHARED = (
    "module_at calls keywords references imports assignments handed bases items options option_names uses runs"
).split()


@dataclass(frozen=True, eq=False)
class Indexes:
    files: tuple[FileFacts, ...]
    mentioned: frozenset[str] = frozenset()

    def prepare(self) -> None:
        """Make what most searches share, for processes that are about to be forked."""
        for name in _SHARED:
            getattr(self, name)
        for name in ("from_entries", "_mentioned"):
            getattr(self.live, name)

    @cached_property
    def modules(self) -> Modules:
        return modules_of(self.files)

    @cached_property
    def module_at(self) -> dict[str, Module]:
        """The module of each path."""
        return {module.path: module for module in self.modules.every}

    @cached_property
    def uses(self) -> Graph:
        """What could run: using a class uses all its methods."""
        return build_graph(self.modules, self._referring, whole_classes=True)

    @cached_property
    def runs(self) -> Graph:
        """What does run: using a class runs its constructor and the hooks of its library base."""
        return build_graph(self.modules, self._referring, whole_classes=False)

    @cached_property
    def _referring(self) -> Referring:
        return referring_of(self.modules)

    @cached_property
    def live(self) -> Liveness:
        return Liveness(self.files, self.modules, self.uses, self.mentioned)

    @cached_property
    def calls(self) -> SiteIndex:
        return call_index(self.modules)

    def calls_in(self, module: Module, scope: str) -> list[Call]:
        """The calls of one scope, nested functions left out."""
        return self._calls_of.get((module.path, scope), [])

    @cached_property
    def _calls_of(self) -> dict[tuple[str, str], list[Call]]:
        found: dict[tuple[str, str], list[Call]] = {}
        for module in self.modules.every:
            for call in module.facts.calls:
                found.setdefault((module.path, call.scope), []).append(call)
        return found

    @cached_property
    def references(self) -> SiteIndex:
        return reference_index(self.modules)

    @cached_property
    def imports(self) -> SiteIndex:
        return import_index(self.modules)

    @cached_property
    def assignments(self) -> SiteIndex:
        return assignment_index(self.modules)

    @cached_property
    def keywords(self) -> SiteIndex:
        return keyword_index(self.calls)

    @cached_property
    def handed(self) -> SiteIndex:
        return handed_index(self.modules)

    @cached_property
    def bases(self) -> SiteIndex:
        return base_index(self.modules)

    @cached_property
    def items(self) -> SiteIndex:
        return item_index(self.modules)

    @cached_property
    def every_option(self) -> tuple[Option, ...]:
        return options_of(self.modules, self.files)

    @cached_property
    def options(self) -> dict[str, list[Option]]:
        """Options by name."""
        found: dict[str, list[Option]] = {}
        for option in self.every_option:
            found.setdefault(option.name, []).append(option)
        return found

    @cached_property
    def option_names(self) -> NameIndex:
        return name_index(self.options)
