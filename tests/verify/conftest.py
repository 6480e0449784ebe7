from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.commands.cli import audited, write_tree


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with its audit in it, not to be changed."""
    tree = write_tree(tmp_path_factory.mktemp("finished") / "tree")
    (tree / "workflow.yaml").write_text("threshold: 0.6\n")
    audited(tree)
    return tree


@pytest.fixture
def tree(finished: Path, tmp_path: Path) -> Path:
    """A copy of the audited tree, to be changed."""
    shutil.copytree(finished, tmp_path / "tree")
    return tmp_path / "tree"


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tree, and the folder beside it that holds its audit; neither to be changed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write_tree(folder / "tree")
    audited(folder / "tree", "--output", folder / "audit")
    return folder / "tree", folder / "audit"
