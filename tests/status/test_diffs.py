from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.status.markdown import write
from codex_audit.status.model import AtomicDiff
from codex_audit.status.patches import unified
from tests.status.planting import CLEAN, known_of, planted, run_git, update_of

LOADS = """\
import torch


def load(path):
    state = torch.load(path, map_location="cpu")
    more = torch.load(open(path, "rb"))
    return state, more


def main():
    return load("model.pt")


if __name__ == "__main__":
    main()
"""
HOOKS = """\
repos:
- repo: https://github.com/astral-sh/ruff-pre-commit
  rev: v0.9.0
  hooks:
  - id: ruff
"""
BARE = {
    **CLEAN,
    "adder/load.py": LOADS,
    "run.log": "step 1\n",
    ".gitignore": "build/",
    "pyproject.toml": CLEAN["pyproject.toml"].replace(
        'version = "1.0"', 'version = "1.0"\nclassifiers = ["Programming Language :: Python :: 3.10"]'
    ),
}
TREES = {"bare": BARE, "hooks": {**BARE, ".pre-commit-config.yaml": HOOKS}}


@pytest.fixture(scope="module", params=TREES)
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted(tmp_path_factory.mktemp(request.param), TREES[request.param], git=True)


@pytest.fixture(scope="module")
def diffs(tree: Path) -> tuple[AtomicDiff, ...]:
    return update_of(tree).diffs


def test_every_gap_that_has_a_template_gets_a_diff(diffs: tuple[AtomicDiff, ...]) -> None:
    closed = {name for diff in diffs for name in diff.closes.split(", ")}
    assert closed >= {
        "committed-artifact",
        "ci.pipeline",
        "deployment.container",
        "docs.changelog",
        "docs.contributing",
        "reproducibility.declared-python",
        "security.dependency-audit",
        "security.policy",
        "security.safe-load",
        "security.secret-scan",
    }


def test_git_takes_each_diff_alone_and_all_of_them_together(
    tree: Path, diffs: tuple[AtomicDiff, ...]
) -> None:
    for diff in diffs:
        run_git(tree, "apply", "--check", "-", given=diff.patch)
    run_git(tree, "apply", "--check", "-", given="".join(diff.patch for diff in diffs))


def test_each_probe_that_a_diff_closes_is_yes_once_it_is_applied(
    tree: Path, diffs: tuple[AtomicDiff, ...], tmp_path: Path
) -> None:
    changed = planted(
        tmp_path, TREES["hooks" if (tree / ".pre-commit-config.yaml").exists() else "bare"], git=True
    )
    run_git(changed, "apply", "-", given="".join(diff.patch for diff in diffs))
    known = known_of(changed)
    probes = {name for diff in diffs for name in diff.closes.split(", ") if name in known.answers}
    assert probes and {name: known.counted(name) for name in probes} == dict.fromkeys(probes, "yes")


def test_a_gap_without_a_template_says_no_diff_and_why(tree: Path) -> None:
    update = update_of(tree)
    closed = {name for diff in update.diffs for name in diff.closes.split(", ")}
    steps = [(item.reason, probe, step) for item in update.no_diffs for probe, step in item.steps]
    assert steps and all(reason and step and probe not in closed for reason, probe, step in steps)
    assert "*No diff.*" in write(update).decode()


PICKLED = "import pickle\n\n\ndef state(path):\n    with open(path, 'rb') as file:\n        return pickle.load(file)\n"


@pytest.mark.parametrize(
    ("more", "files", "settles", "besides"),
    [
        ({}, ["adder/load.py"], True, ""),
        (
            {"adder/again.py": LOADS},
            ["adder/again.py", "adder/load.py"],
            True,
            "it turns to yes once the other diff for it is applied too",
        ),
        (
            {"adder/state.py": PICKLED},
            ["adder/load.py"],
            False,
            "one other place keeps it at no, the first `adder/state.py:6`",
        ),
    ],
)
def test_a_diff_says_what_else_its_probe_takes(
    tmp_path: Path, more: dict[str, str], files: list[str], settles: bool, besides: str
) -> None:
    uses = "".join(f"from adder import {Path(name).stem}\n" for name in more)
    known = known_of(planted(tmp_path, {**BARE, "adder/main.py": uses, **more}))
    update = update_of(tmp_path)
    found = [diff for diff in update.diffs if diff.closes == "security.safe-load"]
    assert sorted(diff.title for diff in found) == [f"Load tensors only in `{name}`" for name in files]
    assert {(diff.settles, diff.besides) for diff in found} == {(settles, besides)}
    undone = {probe for item in update.no_diffs for probe, _ in item.steps}
    below = {plan.capability for plan in known.gaps.plans} & set(known.gaps.below)
    assert ("security.safe-load" in undone) == (not settles and "security" in below)
    shown = (
        f"- **Part of:** `security.safe-load`; {besides}\n"
        if besides
        else "- **Closes:** `security.safe-load`\n"
    )
    assert shown in write(update).decode()


def test_a_file_with_a_credential_is_never_part_of_a_diff(tmp_path: Path) -> None:
    secret = "AKIA" + "QYLPMN5HFIQR7BCD"
    loads = LOADS.replace("import torch\n", f'import torch\n\nKEY = "{secret}"\n')
    update = update_of(planted(tmp_path, {**BARE, "adder/load.py": loads}))
    assert not any(diff.closes == "security.safe-load" for diff in update.diffs)
    assert secret not in str(update)


LINES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), include_characters="\t\n"),
    max_size=60,
)


@settings(max_examples=30)
@given(st.none() | LINES, LINES)
def test_git_makes_the_new_text_of_the_old_one(old: str | None, new: str) -> None:
    patch = unified("folder/file.txt", old, new)
    if not patch or not new:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = folder / "folder" / "file.txt"
        place.parent.mkdir()
        if old is not None:
            place.write_bytes(old.encode())
        subprocess.run(
            ["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True, capture_output=True
        )
        assert place.read_bytes() == new.encode()


@pytest.mark.parametrize(
    "path", ["a b.txt", "../up.txt", ".git/config", "a/../b", 'q"uote', "tab\tname", "é.md", "/root"]
)
def test_a_path_that_git_would_quote_or_refuse_has_no_diff(path: str) -> None:
    assert unified(path, None, "text\n") == ""


def test_characters_that_do_not_show_have_no_diff() -> None:
    assert unified("a.txt", "x\n", "x\n\u202ey\n") == ""
    assert unified("a.txt", "x\r\n", "x\r\ny\r\n") == ""
