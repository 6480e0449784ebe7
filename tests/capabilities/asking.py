"""One probe asked of a tree in memory."""

from __future__ import annotations

from collections.abc import Mapping

from codex_audit.artifacts import ProbeAnswer
from codex_audit.capabilities.ask import ask
from codex_audit.capabilities.model import Capability
from tests.query.trees import tree_of

PACKAGE = {"pkg/__init__.py": ""}


def answer_of(capability: Capability, probe: str, files: Mapping[str, str]) -> ProbeAnswer:
    """The answer of ``capability.probe`` for a package ``pkg`` with these files."""
    found = next(item for item in capability.probes if item.id == f"{capability.id}.{probe}")
    answer, _ = ask(tree_of({**PACKAGE, **files}), found)
    return answer
