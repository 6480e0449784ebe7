"""Overruling a verdict, from the settings through every file of an audit and every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.cli import audited, command, write_tree

SETTINGS = """\
# what the audit gets wrong here
overrule:
  training.loop: {verdict: no, reason: "a toy that nobody trains with"}
  training.clipping:
    verdict: yes
    reason: the optimizer of our own library clips
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def probe(output: Path, name: str, file: str = "audit_artifacts/capabilities_raw.json") -> dict[str, Any]:
    document = json.loads((output / file).read_bytes())
    every = (item for capability in document["capabilities"] for item in capability["probes"])
    found: dict[str, Any] = next(item for item in every if item["id"] == name)
    return found


def test_the_artifacts_keep_what_the_audit_found_beside_what_the_user_says(tree: Path) -> None:
    (tree / "workflow.yaml").write_text(SETTINGS)
    summary = audited(tree)
    loop, clipping = probe(tree, "training.loop"), probe(tree, "training.clipping")
    assert (loop["verdict"], clipping["verdict"]) == ("yes", "no")
    assert loop["evidence"][0]["path"] == "pkg/train.py"
    assert loop["overruled"] == {
        "verdict": "no",
        "reason": "a toy that nobody trains with",
        "file": "workflow.yaml",
        "line": 3,
        "expires": "",
    }
    assert clipping["overruled"]["line"] == 4
    assert probe(tree, "training.schedule")["overruled"] is None
    report = (tree / summary["reports"]["report:markdown"]).read_text()
    assert "`training.loop` yes, overruled to no at `workflow.yaml:3`" in report
    assert command("verify", tree, "--rerun").returncode == 0


def test_a_yes_of_the_user_widens_the_score_and_does_not_raise_it(tree: Path) -> None:
    plain = audited(tree)
    (tree / "workflow.yaml").write_text("overrule: {training.clipping: {verdict: yes, reason: ours clips}}\n")
    ruled = audited(tree)
    assert ruled["score"] == plain["score"]
    assert ruled["high"] > plain["high"]


def test_a_no_of_the_user_is_a_no_and_diff_calls_it_a_fall(tree: Path, tmp_path: Path) -> None:
    plain = audited(tree, "--output", tmp_path / "old")
    (tree / "workflow.yaml").write_text(SETTINGS)
    ruled = audited(tree, "--output", tmp_path / "new")
    assert ruled["score"] < plain["score"]
    done = command("diff", tmp_path / "old", tmp_path / "new")
    assert done.returncode == 1
    assert "fell    training.loop: yes -> no (overruled to no at workflow.yaml:3: a toy" in done.stdout
    assert "changed training.clipping: no -> unknown (overruled to yes at workflow.yaml:4" in done.stdout


def test_another_word_of_the_user_makes_an_audit_stale(tree: Path, tmp_path: Path) -> None:
    settings = tmp_path / "strict.yaml"
    settings.write_text(SETTINGS)
    output = tmp_path / "audit"
    audited(tree, "--output", output, "--workflow", settings)
    again = ("verify", output, "--tree", tree, "--workflow", settings)
    assert command(*again).returncode == 0
    settings.write_text(SETTINGS.replace("toy", "game"))
    done = command(*again)
    assert done.returncode == 4
    assert "overrule was" in done.stdout


def test_a_probe_that_is_disabled_and_overruled_is_refused(tree: Path) -> None:
    (tree / "workflow.yaml").write_text(SETTINGS + "disable: {training.loop: not asked}\n")
    done = command("run", tree)
    assert done.returncode == 2
    assert "workflow.yaml:3:" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_probe_brings_the_nearest_one(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("overrule: {training.cliping: {verdict: no, reason: x}}\n")
    done = command("run", tree)
    assert done.returncode == 2
    assert "'training.clipping'" in done.stderr
