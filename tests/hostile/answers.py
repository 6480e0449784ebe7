"""All answers about a tree, in forms that tests compare."""

from __future__ import annotations

from collections.abc import Mapping

from codex_audit.capabilities.ask import ask
from codex_audit.capabilities.catalogue import probes
from codex_audit.query.tree import Tree
from tests.query.trees import tree_of

BY_ABSENCE = frozenset(probe.id for probe in probes() if probe.by_absence)
EVERY = frozenset(probe.id for probe in probes())


Proofs = dict[str, frozenset[tuple[str, int, str]]]
"""Path, line and symbol of all evidence of every yes, not only of what an answer shows."""


def verdicts(tree: Tree) -> dict[str, str]:
    """The verdict of every probe."""
    return {probe.id: ask(tree, probe)[0].verdict for probe in probes()}


def yes(sources: Mapping[str, str]) -> frozenset[str]:
    """The probes that the tree of ``sources`` answers with yes, those by absence left out."""
    found = verdicts(tree_of(sources))
    return frozenset(probe for probe, verdict in found.items() if verdict == "yes") - BY_ABSENCE


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The verdicts that differ, old and new."""
    return {probe: (before[probe], after[probe]) for probe in before if before[probe] != after[probe]}


def proofs(tree: Tree) -> Proofs:
    """All evidence of every yes."""
    found: Proofs = {}
    for probe in probes():
        answer, evidence = ask(tree, probe)
        if answer.verdict == "yes":
            found[probe.id] = frozenset((item.path, item.line, item.symbol) for item in evidence.evidence)
    return found
