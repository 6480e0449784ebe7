"""Searches for tests: which of them run a piece of code and assert something about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property

from codex_audit.artifacts import Evidence, Strength
from codex_audit.facts.model import FileFacts
from codex_audit.query.found import Found, ordered
from codex_audit.query.graph import node_of
from codex_audit.query.indexes import Indexes
from codex_audit.query.modules import Module

# A test calls a function (one step) or constructs a class whose method does the thing (two).
NEAR_STEPS = 2


class TestSearches(ABC):
    """The part of ``Tree`` that knows tests."""

    __test__ = False  # a test runner must not take it for a test

    @property
    @abstractmethod
    def index(self) -> Indexes:
        """The indexes of the tree."""

    @abstractmethod
    def at(
        self, file: FileFacts, line: int, symbol: str, why: str, strength: Strength, scope: str = ""
    ) -> Evidence:
        """Evidence for a place of a file."""

    def node(self, evidence: Evidence) -> str:
        """The node of the graphs that holds a piece of Python evidence; empty for other files."""
        module = self.index.module_at.get(evidence.path)
        return node_of(module, evidence.scope) if module is not None else ""

    def tests_reaching(self, found: Found, why: str = "", depth: int = 12) -> Found:
        """Asserting tests, not always skipped, that run the code behind the Python evidence of ``found``."""
        at = self.index.module_at
        targets = {node_of(at[item.path], item.scope) for item in found.evidence if item.path in at}
        return self.tests_running(targets, why or "runs code that does this", depth)

    def tests_running(self, nodes: Iterable[str], why: str, depth: int = 12) -> Found:
        """Asserting tests that reach one of these nodes (absolute names of functions, classes or modules); those that
        get there in a step or two first."""
        steps = self.index.runs.reaching(nodes, depth)
        return self._tests(lambda module, name: steps.get(node_of(module, name)), why)

    @cached_property
    def tested(self) -> frozenset[str]:
        """Every node that an asserting test, not always skipped, reaches."""
        roots = {
            node_of(module, test.name)
            for module in self.index.modules.every
            for test in module.facts.tests
            if test.asserts and not test.skipped
        }
        return self.index.runs.reached_from(roots, 12)

    def is_tested(self, evidence: Evidence) -> bool:
        """Whether a test that asserts something runs the code at this place."""
        return self.node(evidence) in self.tested

    def tests_where(self, keep: Callable[[Module, str], bool], why: str) -> Found:
        """Asserting tests for which ``keep(module, test name)`` holds."""
        return self._tests(lambda module, name: 0 if keep(module, name) else None, why)

    def _tests(self, steps: Callable[[Module, str], int | None], why: str) -> Found:
        """Tests by how many steps they are from what they test; None for those that never get there."""
        evidence: list[Evidence] = []
        near: list[Evidence] = []
        for module in self.index.modules.every:
            for test in module.facts.tests:
                distance = steps(module, test.name)
                if distance is None or "vendored" in module.file.facets:
                    continue
                problem = "is always skipped" if test.skipped else "" if test.asserts else "asserts nothing"
                strength: Strength = "called" if distance <= NEAR_STEPS else "imported"
                reason = f"{test.name} {problem or why}"
                item = self.at(module.file, test.line, test.name, reason, strength, test.name)
                (near if problem else evidence).append(item)
        return Found(evidence=ordered(evidence), near=ordered(near[:5]), looked_for=("tests that run this",))
