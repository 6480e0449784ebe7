"""A small tree, and a cache that knows its audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_audit.cache.store import Store
from tests.commands.cli import write_tree
from tests.stages.audits import audit


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


@pytest.fixture
def store(tree: Path, tmp_path: Path) -> Store:
    """A store that remembers the audit of ``tree``."""
    made = Store(tmp_path / "cache")
    audit(tree, made)
    return made
