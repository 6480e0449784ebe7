"""``Tree``: everything a probe may ask of a repository.

Searches return ``Found``. Places in tests, vendored or generated code, stubs and code that nobody can
reach never count; they come back as near misses that say why. Patterns are dotted names: exact
(``torch.save``), any receiver (``*.save_pretrained``), a prefix (``optax.*``), or wildcards in the
last segment (``transformers.get_*_schedule*``). A value made by a known constructor is written with
``()``: ``torch.optim.AdamW().step``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from codex_audit.artifacts import Evidence, Place, Strength
from codex_audit.facts.model import Class, FileFacts, Function
from codex_audit.query.defaults import Defaults
from codex_audit.query.found import NOTHING, Found, any_of, ordered
from codex_audit.query.graph import Graph, node_of
from codex_audit.query.indexes import Indexes
from codex_audit.query.live import Liveness
from codex_audit.query.modules import Module, Modules
from codex_audit.query.options import Kind, Option, normalised
from codex_audit.query.patterns import last, words_of
from codex_audit.query.project import ProjectSearches
from codex_audit.query.ranking import Standing
from codex_audit.query.sites import (
    Site,
    SiteIndex,
)
from codex_audit.query.tested import TestSearches

Keep = Callable[[Site], bool]
SETTINGS_PARSERS = ("transformers.*HfArgumentParser", "trl.*TrlParser", "tyro.cli", "jsonargparse.CLI")
"""What turns a class of settings into options of a command."""


@dataclass(frozen=True, eq=False)
class Tree(ProjectSearches, TestSearches):
    """The facts of all files, in path order, and what libraries are known to bring by default. ``mentioned`` are names
    in files that were not read closely: what stands there may be used."""

    files: tuple[FileFacts, ...]
    defaults: Defaults
    mentioned: frozenset[str] = frozenset()

    @cached_property
    def index(self) -> Indexes:
        return Indexes(self.files, self.mentioned)

    @property
    def modules(self) -> Modules:
        return self.index.modules

    @property
    def module_at(self) -> dict[str, Module]:
        """The module of each path."""
        return self.index.module_at

    @property
    def uses(self) -> Graph:
        """What could run; ``Indexes.uses``."""
        return self.index.uses

    @property
    def live(self) -> Liveness:
        return self.index.live

    @property
    def all_options(self) -> tuple[Option, ...]:
        return self.index.every_option

    @cached_property
    def standing(self) -> Standing:
        """How much of the tree builds on each of its files."""
        return Standing(self.files, self.modules)

    @cached_property
    def code(self) -> tuple[Module, ...]:
        """The modules that can be evidence."""
        return tuple(module for module in self.modules.every if module.countable)

    @cached_property
    def has_code(self) -> bool:
        return any(module.facts.functions or module.facts.calls for module in self.code)

    # --- code
    def call_sites(self, *patterns: str) -> Iterator[Site]:
        """The calls behind ``calls``, tests and dead code included, for probes that look closer."""
        return self.index.calls.find(patterns)

    def calls(self, *patterns: str, where: Keep | None = None, why: str = "") -> Found:
        """Calls of these names for which ``where`` holds."""
        return self._search(self.index.calls, patterns, where, why or "calls {}", "called") | self._imports(
            patterns
        )

    def references(self, *patterns: str, where: Keep | None = None, why: str = "") -> Found:
        """Uses of these names as values: passed, returned, compared, or called."""
        return self._search(self.index.references, patterns, where, why or "uses {}", "called")

    def assigns(self, *patterns: str, where: Keep | None = None, why: str = "") -> Found:
        """Assignments to these names (``torch.backends.cudnn.benchmark``); the value is ``site.assignment.value``."""
        return self._search(self.index.assignments, patterns, where, why or "sets {}", "called")

    def keyword(
        self, *names: str, of: tuple[str, ...] = ("*",), where: Keep | None = None, why: str = ""
    ) -> Found:
        """Calls of ``of`` that give a keyword of one of these names."""
        given = list(self.index.keywords.find(names))
        if of != ("*",):
            wanted = {id(site) for site in self.index.calls.find(of)}
            given = [site for site in given if id(site) in wanted]
        sites = (site for site in given if where is None or where(site))
        return self._judge(sites, why or "passes " + " or ".join(names) + " to {}", "called", names)

    def handed(self, *patterns: str, where: Keep | None = None, why: str = "") -> Found:
        """Calls that are given one of these names as a value."""
        return self._search(self.index.handed, patterns, where, why or "is given {}", "called")

    def subclasses(
        self, *patterns: str, where: Callable[[Module, Class], bool] | None = None, why: str = ""
    ) -> Found:
        """Classes that derive from these names, through other classes of the tree too."""
        first: dict[tuple[str, str], Site] = {}
        for site in self.index.bases.find(patterns):
            if where is None or where(site.module, site.module.classes[site.scope]):
                first.setdefault((site.module.path, site.scope), site)
        return self._judge(first.values(), why or "derives from {}", "declared", patterns)

    def classes(self, keep: Callable[[Module, Class], bool], why: str, looked_for: str) -> Found:
        """Classes for which ``keep`` holds."""
        sites = [
            Site(module, cls.name, cls.line, cls.name)
            for module in self.modules.every
            for cls in module.facts.classes
            if keep(module, cls)
        ]
        return self._judge(sites, why, "declared", (looked_for,))

    def functions(self, keep: Callable[[Module, Function], bool], why: str, looked_for: str) -> Found:
        """Functions and methods for which ``keep`` holds."""
        sites = [
            Site(module, function.name, function.line, function.name)
            for module in self.modules.every
            for function in module.facts.functions
            if keep(module, function)
        ]
        return self._judge(sites, why, "declared", (looked_for,))

    def items(
        self, *keys: str, where: Callable[[Module, str, str], bool] | None = None, why: str = ""
    ) -> Found:
        """``key: value`` of a dict display or ``dict()`` call whose key matches; ``where(module, scope, value)``."""
        sites = (
            site
            for site in self.index.items.find(keys)
            if site.assignment is not None
            and (where is None or where(site.module, site.scope, site.assignment.value))
        )
        return self._judge(sites, why or "holds the key {}", "called", keys)

    def texts(self, pattern: str, *roles: str, why: str = "") -> Found:
        """String constants that the regular expression matches and that stand in one of these roles (all but help and
        message by default)."""
        compiled = re.compile(pattern)
        sites = [
            Site(module, text.text[:60], text.line, text.scope)
            for module in self.modules.every
            for text in module.facts.texts
            if (text.role in roles if roles else text.role not in ("help", "message"))
            and compiled.search(text.text)
        ]
        return self._judge(sites, why or "names {!r}", "named", (pattern,))

    def sites(
        self, sites: Iterable[Site], why: str, looked_for: Iterable[str], strength: Strength = "called"
    ) -> Found:
        """Evidence of sites that a probe chose itself; tests, stubs and dead code are still set aside."""
        return self._judge(sites, why, strength, tuple(looked_for))

    def nodes_calling(self, *patterns: str) -> frozenset[str]:
        """The nodes with a live call of one of these names."""
        return frozenset(
            node_of(site.module, site.scope)
            for site in self.index.calls.find(patterns)
            if not self.why_not(site)
        )

    # --- settings a user can choose
    def options(
        self,
        *names: str,
        kinds: tuple[Kind, ...] = ("flag", "field", "parameter", "key"),
        where: Callable[[Option], bool] | None = None,
        why: str = "",
    ) -> Found:
        """Options of these names (wildcards allowed): flags, typed fields, public parameters, configuration keys."""
        wanted = [normalised(name) for name in names]
        hits = [
            option
            for name in dict.fromkeys(match for one in wanted for match in self.index.option_names.match(one))
            for option in self.index.options[name]
            if option.kind in kinds and (where is None or where(option))
        ]
        return any_of([self._option(option, why) for option in hits[:200]]) | Found(
            looked_for=tuple(f"option {name}" for name in names),
            words=words_of(wanted),
            file_words=words_of(wanted),
        )

    def inherited(self, probe: str) -> Found:
        """What a library that this tree drives, or a settings class it derives from, does for ``probe`` by default."""
        return any_of(
            self._search(self.index.calls, rule.drives, None, rule.why, "declared")
            | (self._settings(rule.bases, rule.why) if rule.bases else NOTHING)
            for rule in self.defaults.rules_for(probe)
        )

    def _settings(self, bases: tuple[str, ...], why: str) -> Found:
        """Classes that take the settings of a library's class, at the class of the tree that brings them in."""
        derived = self.subclasses(*bases, why=why).preferring(
            self.derives_itself, "takes the settings from a class of the tree that has them"
        )
        return derived | self._parsed(bases, why)

    def derives_itself(self, item: Evidence) -> bool:
        """Whether the class of a piece of evidence derives from a library directly, and not through the tree."""
        module = self.module_at[item.path]
        bases = module.classes[item.scope].bases
        return any(self.modules.class_of(self.modules.canonical(base, module)) is None for base in bases)

    def _parsed(self, bases: tuple[str, ...], why: str) -> Found:
        """Parsers of typed settings that are handed one of these classes: users set every field of it."""

        def handed(site: Site) -> bool:
            names = (name for item in site.arguments for name in re.findall(r"[\w.]+", item.value))
            return any(fnmatch.fnmatchcase(name, base) for name in names for base in bases)

        return self._search(self.index.calls, SETTINGS_PARSERS, handed, why, "declared")

    # --- evidence
    def at(
        self, file: FileFacts, line: int, symbol: str, why: str, strength: Strength, scope: str = ""
    ) -> Evidence:
        """Evidence for a place of a file. What stands there is quoted later, where the bytes are."""
        place = self._place(file, scope)
        return Evidence(file.path, line, "", why, place, strength, symbol, scope)

    def _place(self, file: FileFacts, scope: str) -> Place:
        if "test" in file.facets:
            return "test"
        if "docs" in file.facets:
            return "docs"
        if file.python is not None:
            if node_of(self.module_at[file.path], scope) in self.live.from_entries:
                return "entry"
            return "example" if "example" in file.facets else "library"
        return "config"

    def _search(
        self, index: SiteIndex, patterns: tuple[str, ...], where: Keep | None, why: str, strength: Strength
    ) -> Found:
        sites = (site for site in index.find(patterns) if where is None or where(site))
        return self._judge(sites, why, strength, patterns)

    def _judge(
        self, sites: Iterable[Site], why: str, strength: Strength, looked_for: tuple[str, ...]
    ) -> Found:
        evidence: list[Evidence] = []
        near: list[Evidence] = []
        for site in sites:
            problem = self.why_not(site)
            reason = f"{problem} ({why.format(site.target)})" if problem else why.format(site.target)
            item = self.at(site.module.file, site.line, site.target, reason, strength, site.scope)
            (near if problem else evidence).append(item)
        return Found(ordered(evidence), ordered(near)[:5], looked_for, words_of(looked_for))

    def why_not(self, site: Site) -> str:
        """Why a place can never be evidence; empty when it can."""
        for facet in ("test", "vendored", "generated"):
            if facet in site.module.file.facets:
                return f"{facet} code"
        return self.live.why_dead(site.module, site.scope)

    def _imports(self, patterns: tuple[str, ...]) -> Found:
        """Near misses: a name that is imported and never called."""
        exact = tuple(pattern for pattern in patterns if "*" not in pattern)
        near = [
            self.at(
                site.module.file,
                site.line,
                site.target,
                f"imported only: {site.target} is not called here",
                "imported",
            )
            for site in self.index.imports.find(exact)
        ]
        return Found(near=ordered(near)[:3])

    def _option(self, option: Option, why: str) -> Found:
        words = {
            "flag": "flag {}",
            "field": "setting {}",
            "parameter": "parameter {}",
            "key": "configuration key {}",
        }
        reason = why or words[option.kind].format(option.name)
        strength: Strength = "declared"
        if option.module is not None:
            site = Site(option.module, option.name, option.line, option.scope)
            return self._judge([site], reason.replace("{", "{{").replace("}", "}}"), strength, ())
        file = self.by_path[option.path]
        return Found(evidence=(self.at(file, option.line, option.name, reason, strength),))

    def named(self, name: str, *suffixes: str) -> bool:
        """Whether the last segment of a dotted name is one of ``suffixes``."""
        return last(name) in suffixes
