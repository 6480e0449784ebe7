"""One probe asked of a tree in memory."""

from __future__ import annotations

import ast
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


def exported(files: dict[str, str]) -> dict[str, str]:
    """``files`` with every top-level function of their Python modules in ``__all__``, so that none of them is dead."""
    return {path: _with_all(source) if path.endswith(".py") else source for path, source in files.items()}


def _with_all(source: str) -> str:
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return f"{source}\n\n__all__ = {names}\n"
