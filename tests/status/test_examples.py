"""The committed examples say what is so: every ``path:line`` in them is there and holds the name beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import codex_audit
from scripts.foreign_tree import pinned_name
from scripts.status_examples import FOLDER
from tests.status.checker import printed, problem

ROOT = Path(codex_audit.__file__).parent.parent
EXAMPLES = ROOT / FOLDER
FOREIGN = "CODEX_TRANSFORMERS_TREE"
MISSING = f"the source distribution is missing: {FOREIGN} names it, python -m scripts.foreign_tree fetches it"


def _wrong(tree: Path, name: str) -> list[str]:
    spans = printed((EXAMPLES / name).read_text("utf-8"))
    assert len(spans) > 40 and sum(bool(symbol) for _, _, symbol in spans) > len(spans) * 0.6
    return [message for path, line, symbol in spans if (message := problem(tree, path, line, symbol))]


@pytest.mark.skipif(
    not (EXAMPLES / "status-update-codex.md").exists(),
    reason="the example of this project is not written yet",
)
def test_the_update_of_this_project_cites_what_is_there() -> None:
    assert _wrong(ROOT, "status-update-codex.md") == [], "write it anew: python -m scripts.status_examples"


def test_the_update_of_transformers_is_of_the_version_that_is_fetched() -> None:
    title = (EXAMPLES / "status-update-transformers.md").read_text("utf-8").splitlines()[0]
    assert title == "# Status update: `{}` `{}`".format(*pinned_name().split("-"))


@pytest.mark.skipif(not os.environ.get(FOREIGN), reason=MISSING)
def test_the_update_of_transformers_cites_what_is_there() -> None:
    assert _wrong(Path(os.environ[FOREIGN]), "status-update-transformers.md") == []
