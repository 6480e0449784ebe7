"""``codex-audit explain``: the question, the places, and what would change the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_audit.capabilities.catalogue import CATALOGUE
from tests.commands.cli import TRAIN, audited, command, snapshot, write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def test_a_yes_is_explained_with_its_line(tree: Path) -> None:
    done = command("explain", "training.loop", tree)
    line = 1 + next(n for n, text in enumerate(TRAIN.splitlines()) if "optimizer.step()" in text)
    assert done.returncode == 0
    assert "verdict: yes" in done.stdout
    assert f"pkg/train.py:{line}" in done.stdout
    assert "turns to no when" in done.stdout


def test_a_no_is_explained_with_what_was_looked_for_and_the_remedy(tree: Path) -> None:
    done = command("explain", "training.clipping", tree, env={"COLUMNS": "2000"})
    (probe,) = (probe for item in CATALOGUE for probe in item.probes if probe.id == "training.clipping")
    assert "verdict: no" in done.stdout
    assert "looked for: " in done.stdout
    assert "clip_grad_norm_" in done.stdout
    for words in (probe.ask, probe.counts, probe.remedy.text, probe.rollback):
        assert words in done.stdout


def test_without_an_audit_the_tree_is_asked_and_nothing_is_written(tree: Path) -> None:
    before = snapshot(tree)
    done = command("explain", "training", tree)
    assert "nothing was written" in done.stdout
    assert snapshot(tree) == before


def test_with_an_audit_the_answers_are_those_of_the_audit(tree: Path) -> None:
    audited(tree)
    (tree / "pkg" / "train.py").write_text("")
    done = command("explain", "training.loop", tree)
    assert "verdict: yes" in done.stdout
    assert "codex-audit verify" in done.stdout


def test_an_audit_that_lies_elsewhere(tree: Path, tmp_path: Path) -> None:
    assert command("explain", "training", tree, "--output", tmp_path).returncode == 2
    audited(tree, "--output", tmp_path / "audit")
    done = command("explain", "training", tree, "--output", tmp_path / "audit")
    assert str(tmp_path / "audit") in done.stdout


def test_a_capability_is_explained_probe_by_probe(tree: Path) -> None:
    done = command("explain", "training", tree, "--format", "json")
    document = json.loads(done.stdout)
    (capability,) = (item for item in CATALOGUE if item.id == "training")
    assert [item["id"] for item in document["probes"]] == [probe.id for probe in capability.probes]
    assert all(item["answer"]["reason"] for item in document["probes"])


@pytest.mark.parametrize(("wrong", "right"), [("training.lop", "training.loop"), ("trainin", "training")])
def test_an_unknown_name_brings_the_nearest(tree: Path, wrong: str, right: str) -> None:
    done = command("explain", wrong, tree)
    assert done.returncode == 2
    assert right in done.stderr
