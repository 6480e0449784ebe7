from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_audit.status.detectors.cycles import components, shortest_ring
from codex_audit.status.imports import Edge

NODES = "abcdefg"
Graphs = st.dictionaries(st.sampled_from(NODES), st.sets(st.sampled_from(NODES)), max_size=len(NODES))


def _edges(graph: dict[str, set[str]]) -> dict[str, dict[str, Edge]]:
    return {a: {b: Edge(a, b, 1, b) for b in others if a != b} for a, others in graph.items()}


def _reach(edges: dict[str, dict[str, Edge]], start: str) -> set[str]:
    seen, pending = set(), [start]
    while pending:
        for other in edges.get(pending.pop(), {}):
            if other not in seen:
                seen.add(other)
                pending.append(other)
    return seen


@given(Graphs)
def test_a_component_is_exactly_the_nodes_that_reach_each_other(graph: dict[str, set[str]]) -> None:
    edges = _edges(graph)
    expected = {
        tuple(sorted(b for b in NODES if b in _reach(edges, a) and a in _reach(edges, b)))
        for a in NODES
        if a in _reach(edges, a)
    }
    assert components(edges) == sorted(expected)


@given(Graphs)
def test_the_ring_that_is_shown_exists_and_is_closed(graph: dict[str, set[str]]) -> None:
    edges = _edges(graph)
    for members in components(edges):
        ring = shortest_ring(members, edges)
        assert all(edge in edges[edge.source].values() for edge in ring)
        assert [edge.target for edge in ring] == [*(edge.source for edge in ring[1:]), ring[0].source]
        assert {edge.source for edge in ring} <= set(members)
