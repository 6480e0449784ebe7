"""The Python modules of a tree by dotted name, and what a name written in one of them stands for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NewType

from codex_audit.facts.model import Class, FileFacts, Function, PythonFacts
from codex_audit.query.dynamic import dynamic_imports
from codex_audit.query.namespaces import full_names

MOST_HOPS = 12
_ALIAS = re.compile(r"(?!__)[A-Za-z_]\w*")  # ``__version__`` is asked for by its own name
_ALIASED = re.compile(r"(?::|\.+|[A-Za-z_]\w*\.)[\w.]*\w(?:\(\))?")  # no builtin, no constant
# Second names under which TensorFlow and Keras export the same functions; rules know the first ones.
_SECOND_NAMES = (
    ("tensorflow.compat.v1.", "tensorflow."),
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow.python.keras.", "tensorflow.keras."),
    ("tf_keras.", "tensorflow.keras."),
)


Statement = NewType("Statement", object)
"""One statement of a module, to be compared and nothing else: how far apart two are, ``Module.apart`` says."""


@dataclass(frozen=True)
class Module:
    """A file with Python facts. ``name`` is its dotted import name; ``countable`` is false for tests, vendored and
    generated code, which can never be evidence. ``asked`` are the pairs of lines of which somebody asked how far
    apart they are."""

    file: FileFacts
    facts: PythonFacts
    full_name: str = ""
    asked: set[tuple[int, int]] = field(default_factory=set, compare=False, repr=False)

    @cached_property
    def path(self) -> str:
        return self.file.path

    @cached_property
    def name(self) -> str:
        return self.full_name or self.file.module

    @cached_property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @cached_property
    def in_package(self) -> bool:
        return "package" in self.file.facets

    @cached_property
    def countable(self) -> bool:
        return not self.file.facets & {"test", "vendored", "generated"}

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {item.name: item for item in self.facts.functions}

    @cached_property
    def classes(self) -> dict[str, Class]:
        return {item.name: item for item in self.facts.classes}

    @cached_property
    def bindings(self) -> dict[str, str]:
        """What each name that an import or a plain assignment binds at module level stands for."""
        bound: dict[str, str] = {}
        for item in self.facts.imports:
            if item.bound != "*" and not item.scope:
                bound.setdefault(item.bound, item.target)
        for fact in self.facts.assignments:
            if not fact.scope and _ALIAS.fullmatch(fact.target) and _ALIASED.fullmatch(fact.value):
                bound.setdefault(fact.target, fact.value)
        return bound

    @cached_property
    def _starts(self) -> list[int]:
        return self.facts.starts()

    def apart(self, line: int, other: int) -> int:
        """How many statements ``other`` is below ``line``: as many in any layout of the code; lines say less."""
        self.asked.add((line, other))
        return bisect_right(self._starts, other) - bisect_right(self._starts, line)

    def statement(self, line: int) -> Statement:
        """Stands for the statement that holds ``line``, to tell whether two places are in the same one; ``apart``
        says how far they are from each other."""
        return Statement(bisect_right(self._starts, line))

    @cached_property
    def stars(self) -> tuple[str, ...]:
        return tuple(item.target.removesuffix(".*") for item in self.facts.imports if item.bound == "*")

    @cached_property
    def dynamic(self) -> dict[str, str]:
        """What the results of this module's importers stand for."""
        return dynamic_imports(self.facts)


@dataclass(frozen=True)
class Modules:
    """All modules; resolves names across them. A tree has at most one module a dotted name: the first in path order.
    ``packages`` are the names of all packages, those of which nothing was read included."""

    every: tuple[Module, ...]
    packages: frozenset[str]
    _memo: dict[str, dict[str, str]] = field(default_factory=dict, compare=False)
    _splits: dict[str, tuple[Module | None, str]] = field(default_factory=dict, compare=False)
    _ancestry: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    _stars: dict[str, dict[str, Module]] = field(default_factory=dict, compare=False)

    @cached_property
    def by_name(self) -> dict[str, Module]:
        found: dict[str, Module] = {}
        for module in self.every:
            if module.name:
                found.setdefault(module.name, module)
        return found

    def canonical(self, name: str, module: Module) -> str:
        """The absolute name behind ``name`` as written in ``module``: relative dots, local definitions, re-exports
        and annotated return types followed."""
        known = self._memo.get(module.path)
        if known is None:
            known = self._memo[module.path] = {}
        found = known.get(name)
        if found is None:
            named = _imported(name, module)
            named = self._from_star(named, module) or self._beside(_absolute(named, module), module)
            found = known[name] = _first_name(self._follow(named))
        return found

    def _from_star(self, name: str, module: Module) -> str:
        """A bare name that nothing in the module binds may come from ``from x import *``."""
        first = name.partition(".")[0].removesuffix("()")
        if not module.stars or not first.isidentifier() or first in module.bindings:
            return ""
        origin = self.starred(module).get(first)
        return f"{origin.name}.{name}" if origin is not None else ""

    def starred(self, module: Module) -> dict[str, Module]:
        """The names that a module has by star imports, or by chains of them, and the modules that bind them."""
        found = self._stars.get(module.path)
        if found is None:
            found = self._stars[module.path] = {}
            pending, seen = [module], {module.path}
            while pending:
                current = pending.pop(0)
                for star in current.stars:
                    origin = self.by_name.get(_absolute(star, current))
                    if origin is not None and origin.path not in seen:
                        seen.add(origin.path)
                        pending.append(origin)
                        for name in (*origin.functions, *origin.classes, *origin.bindings):
                            found.setdefault(name, origin)
        return found

    def _beside(self, name: str, module: Module) -> str:
        """A script imports the file beside it by its bare name."""
        folder = module.name.rpartition(".")[0]
        first = name.partition(".")[0].removesuffix("()")
        known = first in self._tops or folder in self.packages
        if folder and not known and f"{folder}.{first}" in self.by_name:
            return f"{folder}.{name}"
        return name

    def defines_top(self, name: str) -> bool:
        """Whether the first segment of a dotted name is a package or module of the tree."""
        return name.partition(".")[0] in self._tops

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(name.partition(".")[0] for name in self.by_name)

    def _follow(self, name: str, hops: int = 0) -> str:
        head, call, rest = name.partition("()")
        target = self._definition(head, hops)
        if call and hops < MOST_HOPS:
            returned = self._returned(target, hops)
            target = returned or target
        return f"{target}{call}{rest}"

    def _definition(self, name: str, hops: int) -> str:
        """Follow re-exports until the name stands in the module that defines it, or leaves the tree."""
        module, rest = self.split(name)
        if module is None or not rest or hops >= MOST_HOPS:
            return name
        first, _, tail = rest.partition(".")
        if first in module.functions or first in module.classes:
            return name
        suffix = f".{tail}" if tail else ""
        if first in module.bindings:
            target = _absolute(module.bindings[first], module)
            if target + suffix == name:
                return name
            return (self._follow if "()" in target else self._definition)(target + suffix, hops + 1)
        origin = self.starred(module).get(first) if module.stars else None
        if origin is not None:
            return self._definition(f"{origin.name}.{rest}", hops + 1)
        return name

    def _returned(self, target: str, hops: int) -> str:
        """The class an in-tree function says it returns."""
        module, rest = self.split(target)
        function = module.functions.get(rest) if module is not None else None
        if module is None or function is None or not function.returns:
            return ""
        plain = function.returns.removesuffix(" | None").strip("'\"")
        if not plain.replace(".", "").replace("_", "").replace(":", "").isalnum() or plain in (
            "None",
            "bool",
            "str",
            "int",
        ):
            return ""
        return self._definition(_absolute(plain, module), hops + 1)

    def split(self, name: str) -> tuple[Module | None, str]:
        """The module of the tree that is the longest prefix of ``name``, and the rest."""
        found = self._splits.get(name)
        if found is None:
            found = self._splits[name] = self._split(name)
        return found

    def _split(self, name: str) -> tuple[Module | None, str]:
        if name.partition(".")[0] not in self._tops:
            return None, name
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            module = self.by_name.get(".".join(parts[:cut]))
            if module is not None:
                return module, ".".join(parts[cut:])
        return None, name

    def class_of(self, name: str) -> tuple[Module, Class] | None:
        """The class of the tree that an absolute name stands for."""
        module, rest = self.split(name)
        found = module.classes.get(rest) if module is not None else None
        return (module, found) if module is not None and found is not None else None

    def ancestors(self, name: str) -> tuple[str, ...]:
        """All bases of an in-tree class, nearest first, those of libraries included as absolute names."""
        if name not in self._ancestry:
            self._ancestry[name] = self._bases(name)
        return self._ancestry[name]

    def _bases(self, name: str) -> tuple[str, ...]:
        seen: dict[str, None] = {}
        pending = [name]
        while pending and len(seen) < 100:
            current = self.class_of(pending.pop(0))
            if current is None:
                continue
            module, cls = current
            for base in cls.bases:
                absolute = self.canonical(base.removesuffix("()"), module) if "=" not in base else ""
                if absolute and absolute not in seen and absolute != name:
                    seen[absolute] = None
                    pending.append(absolute)
        return tuple(seen)

    def method(self, owner: str, name: str) -> str:
        """The absolute name of a method of an in-tree class or its nearest in-tree base; empty if none has it."""
        for candidate in (owner, *self.ancestors(owner)):
            found = self.class_of(candidate)
            if found is not None and f"{found[1].name}.{name}" in found[0].functions:
                return f"{found[0].name}.{found[1].name}.{name}"
        return ""


def modules_of(files: Sequence[FileFacts]) -> Modules:
    names = full_names(files)
    return Modules(
        tuple(
            Module(file, file.python, names.get(file.path, "")) for file in files if file.python is not None
        ),
        frozenset(names.get(file.path, file.module) for file in files if file.path.endswith("__init__.py")),
    )


def _imported(name: str, module: Module) -> str:
    """``name`` with the library in place of the call that imports it."""
    importer, called, rest = name.partition("()")
    library = module.dynamic.get(importer) if called and rest.startswith(".") else None
    return f"{library}{rest}" if library else name


def _first_name(name: str) -> str:
    for second, first in _SECOND_NAMES if name.startswith("t") else ():
        if name.startswith(second):
            return first + name.removeprefix(second)
    return name


def _absolute(name: str, module: Module) -> str:
    if name.startswith(":"):
        return f"{module.name}.{name[1:]}" if module.name else name[1:]
    if not name.startswith("."):
        return name
    level = len(name) - len(name.lstrip("."))
    package = module.name.split(".")
    keep = len(package) - level + (1 if module.is_package else 0)
    return ".".join([*package[: max(keep, 0)], name[level:]]).strip(".")
