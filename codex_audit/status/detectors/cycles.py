"""Modules that import each other when they are loaded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from codex_audit.query.modules import Module
from codex_audit.status.ground import Ground
from codex_audit.status.imports import Edge, ImportGraph
from codex_audit.status.model import Citation, Finding

NAME = "import-cycle"
_SHOWN = 4
_BY_MODULES = "Loading works or fails by the order of imports, and none of them can be tested or moved alone."
_BY_PACKAGE = (
    "It loads because a package takes in names before the modules that want them of it; sorting its imports, or "
    "importing one of them first, can break it."
)
_Edges = dict[str, dict[str, Edge]]


def detect(ground: Ground) -> Iterator[Finding]:
    """One finding for each set of modules of which each reaches each other by imports that run on load; those that
    only packages close, which load themselves before their modules, are of less risk."""
    graph = ImportGraph(ground.tree.modules, ground.modules)
    direct, whole = _direct(graph.edges), _whole(graph)
    found = components(direct)
    yield from (_finding(ground, members, direct, by_package=False) for members in found)
    for members in components(whole):
        if not any(set(ring) <= set(members) for ring in found):
            yield _finding(ground, members, whole, by_package=True)


def _finding(ground: Ground, members: tuple[str, ...], edges: _Edges, *, by_package: bool) -> Finding:
    ring = shortest_ring(members, edges)
    names = [edge.source for edge in ring]
    loop = " imports ".join(f"`{name}`" for name in (*names, names[0]))
    paths = {name: ground.tree.modules.by_name[name].path for name in members}
    return Finding(
        detector=NAME,
        title=f"{len(members)} modules import each other on load; the shortest ring: {loop}",
        level="low" if by_package else "medium",
        risk=_BY_PACKAGE if by_package else _BY_MODULES,
        reach=len(members),
        places=tuple(Citation(paths[edge.source], edge.line, edge.name) for edge in ring[:_SHOWN]),
        remedy="Move what both need into a module that imports neither, or import where it is used.",
        effort="hours",
        more=max(0, len(members) - len(ring)),
    )


def _direct(edges: Iterable[Edge]) -> _Edges:
    """The first edge of each pair, but for those between a package and what lies in it."""
    found: _Edges = {}
    for edge in edges:
        if not _holds(edge.target, edge.source) and not _holds(edge.source, edge.target):
            found.setdefault(edge.source, {}).setdefault(edge.target, edge)
    return found


def _whole(graph: ImportGraph) -> _Edges:
    """The same with all that packages do: they gather names of their modules, run before any of these, and give their
    modules names that they took from others. What a package defines itself is there before it imports a module, if
    its author knows why; taking that is no loop."""
    known = graph.modules.by_name
    found: _Edges = {}
    for edge in graph.edges:
        if not _holds(edge.target, edge.source) or _takes_in(known[edge.target], edge.name):
            found.setdefault(edge.source, {}).setdefault(edge.target, edge)
    for edge in graph.edges:
        for package in _packages(edge.target):
            if package in known and package != edge.source and not _holds(package, edge.source):
                found.setdefault(edge.source, {}).setdefault(package, replace(edge, target=package))
    return found


def _takes_in(package: Module, name: str) -> bool:
    if name.startswith("__"):  # its version, which everybody puts first
        return False
    return any(item.bound == name and not item.scope for item in package.facts.imports)


def _packages(name: str) -> Iterator[str]:
    """The packages around the module ``name``, the outermost first."""
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))


def _holds(package: str, name: str) -> bool:
    return name.startswith(f"{package}.")


def components(edges: Mapping[str, Mapping[str, Edge]]) -> list[tuple[str, ...]]:
    """Strongly connected sets of more than one node, sorted (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    found: list[tuple[str, ...]] = []
    for root in sorted(edges):
        work = [(root, iter(sorted(edges.get(root, ()))))] if root not in number else []
        if work:
            number[root] = low[root] = len(number)
            stack.append(root)
            held.add(root)
        while work:
            node, others = work[-1]
            after = next(others, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    found += _popped(node, stack, held)
            elif after not in number:
                number[after] = low[after] = len(number)
                stack.append(after)
                held.add(after)
                work.append((after, iter(sorted(edges.get(after, ())))))
            elif after in held:
                low[node] = min(low[node], number[after])
    return sorted(found)


def _popped(node: str, stack: list[str], held: set[str]) -> list[tuple[str, ...]]:
    members: list[str] = []
    while not members or members[-1] != node:
        members.append(stack.pop())
        held.discard(members[-1])
    return [tuple(sorted(members))] if len(members) > 1 else []


def shortest_ring(members: tuple[str, ...], edges: Mapping[str, Mapping[str, Edge]]) -> tuple[Edge, ...]:
    """The shortest way round within ``members``, the first by name among equals."""
    inside = frozenset(members)
    rings = [_ring(start, inside, edges) for start in members[:200]]
    return min((ring for ring in rings if ring), key=len)


def _ring(start: str, inside: frozenset[str], edges: Mapping[str, Mapping[str, Edge]]) -> tuple[Edge, ...]:
    came: dict[str, Edge] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for target in sorted(edges.get(node, {})):
            if target == start:
                ring = [edges[node][target]]
                while ring[-1].source != start:
                    ring.append(came[ring[-1].source])
                return tuple(reversed(ring))
            if target in inside and target not in came:
                came[target] = edges[node][target]
                queue.append(target)
    return ()
