"""Modules that import each other when they are loaded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from codex_audit.status.ground import Ground
from codex_audit.status.imports import Edge, ImportGraph
from codex_audit.status.model import Citation, Finding

NAME = "import-cycle"
_SHOWN = 4


def detect(ground: Ground) -> Iterator[Finding]:
    """One finding for each set of modules of which each reaches each other by imports that run on load."""
    graph = ImportGraph(ground.tree.modules, ground.modules)
    edges = _real(graph.edges)
    for members in components(edges):
        ring = shortest_ring(members, edges)
        names = [edge.source for edge in ring]
        loop = " imports ".join(f"`{name}`" for name in (*names, names[0]))
        paths = {name: ground.tree.modules.by_name[name].path for name in members}
        yield Finding(
            detector=NAME,
            title=f"{len(members)} modules import each other on load; the shortest ring: {loop}",
            level="medium",
            risk="Loading works or fails by the order of imports, and none of them can be tested or moved alone.",
            reach=len(members),
            places=tuple(Citation(paths[edge.source], edge.line, edge.name) for edge in ring[:_SHOWN]),
            remedy="Move what both need into a module that imports neither, or import where it is used.",
            effort="hours",
            more=max(0, len(members) - len(ring)),
        )


def _real(edges: tuple[Edge, ...]) -> dict[str, dict[str, Edge]]:
    """The first edge of each pair. A package that gathers names from its own modules is a loop only where one of them
    takes a name back from the package itself, which is how packages are commonly written: such pairs are left out."""
    found: dict[str, dict[str, Edge]] = {}
    for edge in edges:
        if not edge.source.startswith(f"{edge.target}.") and not edge.target.startswith(f"{edge.source}."):
            found.setdefault(edge.source, {}).setdefault(edge.target, edge)
    return found


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
