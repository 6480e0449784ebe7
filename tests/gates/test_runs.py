"""The runs that git holds are what their manifests say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codex_audit.gates import runs
from codex_evidence import run_documents
from tests.gates.places import git, hook, repository
from tests.recorder.made_up import make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = repository(tmp_path_factory.mktemp("runs") / "tree", {".gitignore": "checkpoints/\n"})
    make_run(tree / "runs/one")
    git(tree, "add", "--all")
    return tree


@pytest.fixture
def tree(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "tree"))


def test_the_names_are_those_of_runs() -> None:
    assert (runs.INDEX, runs.CHECKPOINTS) == (run_documents.INDEX, run_documents.CHECKPOINTS)


def test_a_run_that_is_what_it_says_is_fine(tree: Path) -> None:
    assert "runs/one/segments/0001/steps.ndjson" in git(tree, "ls-files")
    assert hook(tree, "runs") == (0, [])
    assert hook(tree / "runs", "runs") == (0, [])


def test_a_number_that_was_changed_is_named(tree: Path) -> None:
    log = tree / "runs/one/segments/0001/steps.ndjson"
    log.write_bytes(log.read_bytes().replace(b'"lr":0.0003', b'"lr":0.0004').replace(b"0.55", b"0.45"))
    code, lines = hook(tree, "runs")
    assert code == 1
    assert all(line.startswith("runs/one/segments/0001") for line in lines)


def test_a_checkpoint_that_is_not_what_its_manifest_says_is_named(tree: Path) -> None:
    weights = tree / "runs/one/checkpoints/step-000008/model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    code, lines = hook(tree, "runs")
    assert code == 1
    assert lines[0].startswith("runs/one/checkpoints/step-000008")


def test_a_clone_needs_no_checkpoint_that_git_does_not_keep(tree: Path) -> None:
    shutil.rmtree(tree / "runs/one/checkpoints")
    assert hook(tree, "runs") == (0, [])


def test_a_checkpoint_that_git_keeps_must_be_there(tree: Path) -> None:
    git(tree, "add", "--all", "--force")
    shutil.rmtree(tree / "runs/one/checkpoints/step-000008")
    code, lines = hook(tree, "runs")
    assert (code, len(lines)) == (1, 1)
    assert "step-000008" in lines[0]


def test_a_file_that_nobody_vouches_for_is_named_with_any_name(tree: Path) -> None:
    (tree / "runs/one/x\x1b[31m|<b>`\u202e").write_text("")
    code, lines = hook(tree, "runs")
    assert (code, len(lines)) == (1, 1)
    assert "nobody vouches" in lines[0]
    assert "\x1b" not in lines[0]


def test_a_run_that_git_does_not_hold_is_left_alone(tree: Path) -> None:
    git(tree, "rm", "--quiet", "-r", "--cached", "runs")
    (tree / "runs/one/run.json").write_text("{}")
    assert hook(tree, "runs") == (0, [])
    assert hook(repository(tree.parent / "none", {"run.json": "{}"}), "runs") == (0, [])
