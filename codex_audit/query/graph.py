"""Who uses whom: the graph between the functions, classes and module bodies of a tree.

A node is an absolute name: ``pkg.mod.Class.method``, ``pkg.mod.function``, or ``pkg.mod`` for code at
module level. There is an edge where a node refers to another one (calls included), from a class to
its methods, and from an override to the method it overrides, because the base will call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import last

_CONSTRUCTORS = ("__init__", "__post_init__", "__new__", "setup", "build")
_EXPLICIT = (
    "train",
    "fit",
    "evaluate",
    "predict",
    "save",
    "load",
    "push",
    "generate",
    "from_",
    "export",
    "resume",
    "_save",
    "_load",
)


@dataclass(frozen=True)
class Graph:
    """``edges`` maps a node to the nodes it uses."""

    edges: Mapping[str, frozenset[str]]

    @cached_property
    def users(self) -> dict[str, frozenset[str]]:
        """The same edges the other way round."""
        back: dict[str, set[str]] = {}
        for node, used in self.edges.items():
            for other in used:
                back.setdefault(other, set()).add(node)
        return {node: frozenset(others) for node, others in back.items()}

    def reached_from(self, roots: Iterable[str], depth: int = 1000) -> frozenset[str]:
        """All nodes that ``roots`` use, directly or through others, and the roots themselves."""
        return _spread(roots, self.edges, depth)

    def reaching(self, targets: Iterable[str], depth: int = 1000) -> dict[str, int]:
        """All nodes that use one of ``targets`` within ``depth`` steps, with the least number of steps."""
        steps = dict.fromkeys(targets, 0)
        front, distance = set(steps), 0
        while front and distance < depth:
            distance += 1
            front = {other for node in front for other in self.users.get(node, ()) if other not in steps}
            steps |= dict.fromkeys(front, distance)
        return steps


def _spread(start: Iterable[str], edges: Mapping[str, frozenset[str]], depth: int) -> frozenset[str]:
    seen = set(start)
    front = set(seen)
    while front and depth > 0:
        front = {other for node in front for other in edges.get(node, ()) if other not in seen}
        seen |= front
        depth -= 1
    return frozenset(seen)


def build_graph(modules: Modules, referring: Mapping[str, frozenset[str]], *, whole_classes: bool) -> Graph:
    """``referring`` are the edges of ``reference_edges``. ``whole_classes``: using a class uses all its methods (what
    could run). Without it, using a class runs its constructor and what a library base is known to call (what does
    run)."""
    edges: dict[str, set[str]] = {}
    conftests = [module for module in modules.every if module.path.endswith("conftest.py")]
    for module in modules.every:
        _add_fixtures(module, conftests, edges)
        _add_structure(module, modules, edges, whole_classes=whole_classes)
    joined = {node: referring.get(node, frozenset()) | used for node, used in edges.items()}
    return Graph({**referring, **joined})


def reference_edges(modules: Modules) -> dict[str, frozenset[str]]:
    """From every node to the nodes that it names."""
    edges: dict[str, set[str]] = {}
    unique = _unique_methods(modules)
    meant: dict[str, str] = {}
    for module in modules.every:
        for item in module.facts.references:
            target = _meant(item.name, module, modules, unique, meant)
            if target:
                edges.setdefault(node_of(module, item.scope), set()).add(target)
    return {node: frozenset(used) for node, used in edges.items()}


def _meant(
    name: str, module: Module, modules: Modules, unique: Mapping[str, str], meant: dict[str, str]
) -> str:
    """The node that ``name`` in ``module`` stands for; ``meant`` remembers those of absolute names."""
    if name.startswith("?."):
        return unique.get(last(name), "")
    absolute = modules.canonical(name, module)
    node = meant.get(absolute)
    if node is None:
        node = meant[absolute] = definition_of(absolute, modules)
    return node


def node_of(module: Module, scope: str) -> str:
    """The node of a scope, by absolute name; by path for a script that has no import name."""
    base = module.name or module.path
    return f"{base}.{scope}" if scope else base


def _unique_methods(modules: Modules) -> dict[str, str]:
    """Methods whose name only one class of the tree defines: a call on an unknown receiver can only mean them."""
    owners: dict[str, set[str]] = {}
    for module in modules.every:
        if module.countable:
            for function in module.facts.functions:
                if function.scope in module.classes:
                    owners.setdefault(last(function.name), set()).add(node_of(module, function.name))
    return {name: next(iter(nodes)) for name, nodes in owners.items() if len(nodes) == 1 and len(name) > 4}


def _add_fixtures(module: Module, conftests: list[Module], edges: dict[str, set[str]]) -> None:
    """A test uses the fixtures it asks for by parameter name, and a test method the set-up of its class."""
    if "test" not in module.file.facets:
        return
    above = [item for item in conftests if module.path.startswith(item.path.removesuffix("conftest.py"))]
    fixtures = {
        last(function.name): node_of(other, function.name)
        for other in (*above, module)
        for function in other.facts.functions
        if any(last(mark) == "fixture" for mark in function.decorators)
    }
    for function in module.facts.functions:
        used = {fixtures[item.name] for item in function.parameters if item.name in fixtures}
        used |= {
            node_of(module, f"{function.scope}.{name}")
            for name in ("setUp", "setup_method", "setUpClass", "setup_class")
            if function.scope and f"{function.scope}.{name}" in module.functions
        }
        edges.setdefault(node_of(module, function.name), set()).update(
            used - {node_of(module, function.name)}
        )


def definition_of(name: str, modules: Modules) -> str:
    """The node that an absolute name stands for: its function, method or class; empty for a name of a library."""
    head, called, rest = name.partition("()")
    module, inner = modules.split(head)
    if module is None:
        return ""
    if called and rest:
        method = modules.method(head, rest.removeprefix(".").partition(".")[0])
        return method or (head if inner in module.classes or inner in module.functions else "")
    while inner:
        if inner in module.functions or inner in module.classes:
            return node_of(module, inner)
        inner = inner.rpartition(".")[0]
    return module.name


def _add_structure(
    module: Module, modules: Modules, edges: dict[str, set[str]], *, whole_classes: bool
) -> None:
    for function in module.facts.functions:
        owner, _, name = function.name.rpartition(".")
        is_method = owner in module.classes
        runs = is_method and (whole_classes or _runs_by_itself(module, owner, name, modules))
        if runs or owner in module.functions:
            edges.setdefault(node_of(module, owner), set()).add(node_of(module, function.name))
        if is_method:
            _add_override(module, owner, name, modules, edges)
    for cls in module.facts.classes:
        for base in cls.bases:
            used = definition_of(modules.canonical(base, module), modules) if "=" not in base else ""
            if used:
                edges.setdefault(node_of(module, cls.name), set()).add(used)


def _runs_by_itself(module: Module, owner: str, name: str, modules: Modules) -> bool:
    """Constructors, and the hooks that a library base calls; what a user must call by name does not."""
    if name in _CONSTRUCTORS:
        return True
    bases = [base for base in modules.ancestors(node_of(module, owner)) if modules.class_of(base) is None]
    return bool(set(bases) - {"object", "abc.ABC"}) and not name.startswith(_EXPLICIT)


def _add_override(
    module: Module, owner: str, name: str, modules: Modules, edges: dict[str, set[str]]
) -> None:
    for ancestor in modules.ancestors(f"{module.name}.{owner}" if module.name else owner):
        found = modules.class_of(ancestor)
        if found is not None and f"{found[1].name}.{name}" in found[0].functions:
            edges.setdefault(f"{ancestor}.{name}", set()).add(node_of(module, f"{owner}.{name}"))
