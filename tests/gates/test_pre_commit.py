"""The published hooks, run by pre-commit itself in a repository that has all of them.

Their entries are those of .pre-commit-hooks.yaml, with the program beside this Python in place of one that pre-commit
would install first; ``test_try_repo.py`` has it installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from benchmarks.hooks import HOOKS, config
from tests.gates.places import FAULTS, Fault, audit, clean, failed, git

pytestmark = [
    pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed"),
    pytest.mark.xdist_group("pre-commit"),
]
NAMES = {
    *("codex-audit-gate", "codex-audit-current", "codex-fences", "codex-links"),
    *("codex-artifacts", "codex-runs", "codex-release-check"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean repository with all hooks."""
    folder = tmp_path_factory.mktemp("hooks") / "tree"
    return clean(folder, {".pre-commit-config.yaml": yaml.safe_dump(config())})


def test_every_hook_that_was_promised_is_published() -> None:
    published = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text())}
    assert published.keys() == NAMES
    assert published["codex-release-check"]["stages"] == ["pre-push", "manual"]


def test_this_project_uses_every_hook_itself() -> None:
    own = yaml.safe_load((HOOKS.parent / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    used = {hook["id"]: hook for hook in own}
    for hook in yaml.safe_load(HOOKS.read_text()):
        mine = used[hook["id"]]
        assert mine["entry"] == f".venv/bin/{hook['entry']}"
        assert mine.get("args") == hook.get("args")


def test_a_clean_repository_passes_every_hook(tree: Path) -> None:
    assert failed(tree, "run", "--all-files") == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_caught_by_the_one_hook_that_should(tree: Path, fault: Fault) -> None:
    checkpoint = (tree / "runs/one/checkpoints/step-000008/model.safetensors").read_bytes()
    try:
        fault.plant(tree)
        if fault.hook != "codex-audit-current":
            audit(tree)
        git(tree, "add", "--all", "--force", "--", ".", ":!runs")
        found = failed(tree, "run")
    finally:
        git(tree, "reset", "--quiet", "--hard")
        (tree / "runs/one/checkpoints/step-000008/model.safetensors").write_bytes(checkpoint)
    assert found.keys() == {fault.hook}, found
    assert fault.said in found[fault.hook]
