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


def node_of(module: Module, scope: str) -> str:
    """The node of a scope, by absolute name; by path for a script that has no import name."""
    base = module.name or module.path
    return f"{base}.{scope}" if scope else base


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
