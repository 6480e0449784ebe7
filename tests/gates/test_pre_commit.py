"""The published hooks, run by pre-commit itself in a repository that has all of them.

Their entries are those of .pre-commit-hooks.yaml, with the program beside this Python in place of one that pre-commit
would install first. `pre-commit try-repo`, which installs, takes a minute and a package index, so no test runs it; docs/hooks.md shows it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from benchmarks.hooks import HOOKS, config
from codex_audit.main import main
from tests.commands.cli import write_tree
from tests.gates.places import git, repository
from tests.recorder.made_up import make_run

pytestmark = [
    pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed"),
    pytest.mark.xdist_group("pre-commit"),
]
NAMES = {
    *("codex-audit-gate", "codex-audit-current", "codex-fences", "codex-links"),
    *("codex-artifacts", "codex-runs", "codex-release-check"),
}


def failed(tree: Path, *words: str) -> dict[str, str]:
    """What each failed hook said, by its id."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color=never", *words],
        cwd=tree,
        env=environment | {"PRE_COMMIT_HOME": str(tree.parent / "pre-commit")},
        capture_output=True,
        text=True,
        check=False,
    )
    parts = re.split(r"^- hook id: (.+)$", done.stdout, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert done.returncode == bool(found), done.stdout + done.stderr
    return found


def audit(tree: Path) -> None:
    assert main(["run", str(tree), "--format", "json", "--jobs", "1"]) == 0


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean repository with an audit, a baseline and a run, all committed; its checkpoints are not."""
    tree = write_tree(tmp_path_factory.mktemp("hooks") / "tree")
    make_run(tree / "runs/one")
    (tree / ".gitignore").write_text("checkpoints/\n")
    (tree / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config()))
    repository(tree, {})
    git(tree, "rm", "-r", "--quiet", "--cached", "runs/one/checkpoints")
    audit(tree)
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "clean")
    return tree


def add(name: str, text: str) -> Callable[[Path], None]:
    def plant(tree: Path) -> None:
        place = tree / name
        place.write_bytes((place.read_bytes() if place.exists() else b"") + text.encode())

    return plant


def change_checkpoint(tree: Path) -> None:
    weights = tree / "runs/one/checkpoints/step-000008/model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


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
    assert failed(tree, "--all-files") == {}


@pytest.mark.parametrize(
    ("plant", "hook", "said"),
    [
        (add("README.md", "\n[x](none.md)\n"), "codex-links", "README.md:5: link none.md"),
        (add("README.md", "\n```sh\nls\n"), "codex-fences", "README.md:5: the fence ``` is not closed"),
        (add("tests/.env", "A=1\n"), "codex-artifacts", "tests/.env: a file of environment variables"),
        (change_checkpoint, "codex-runs", "runs/one/checkpoints/step-000008"),
        (
            add("pkg/train.py", "\nimport pickle\nSTATE = pickle.load(open('s', 'rb'))\n"),
            "codex-audit-gate",
            "new: security.safe-load: pkg/train.py:",
        ),
        (
            add("pkg/train.py", "\nLATER = 1\n"),
            "codex-audit-current",
            "pkg/train.py: changed since the audit",
        ),
    ],
    ids=["dead link", "unclosed fence", "committed .env", "checkpoint", "new failure", "stale audit"],
)
def test_each_fault_is_caught_by_the_one_hook_that_should(
    tree: Path, plant: Callable[[Path], None], hook: str, said: str
) -> None:
    (tree / "tests").mkdir(exist_ok=True)
    checkpoint = (tree / "runs/one/checkpoints/step-000008/model.safetensors").read_bytes()
    try:
        plant(tree)
        if hook != "codex-audit-current":
            audit(tree)
        git(tree, "add", "--all", "--force", "--", ".", ":!runs")
        found = failed(tree)
    finally:
        git(tree, "reset", "--quiet", "--hard")
        (tree / "runs/one/checkpoints/step-000008/model.safetensors").write_bytes(checkpoint)
    assert found.keys() == {hook}, found
    assert said in found[hook]
