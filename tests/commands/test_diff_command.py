"""``codex-audit diff``: what changed, and whether something was lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.commands.cli import TRAIN, audited, command, write_tree


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    audited(write_tree(folder / "tree"), "--output", folder / "audit")
    return folder / "audit"


def audit_of(folder: Path, source: str) -> Path:
    tree = write_tree(folder / "tree")
    (tree / "pkg" / "train.py").write_text(source)
    audited(tree, "--output", folder / "audit")
    return folder / "audit"


def compared(old: Path, new: Path) -> tuple[int, dict[str, Any]]:
    done = command("diff", old, new, "--format", "json")
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def test_nothing_changed(old: Path) -> None:
    code, document = compared(old, old)
    assert code == 0
    assert (document["verdicts"], document["scores"], document["moves"]) == ([], [], [])


def test_a_lost_yes_is_a_regression(old: Path, tmp_path: Path) -> None:
    new = audit_of(tmp_path, TRAIN.replace("        optimizer.step()\n", ""))
    code, document = compared(old, new)
    lost = {item["probe"]: (item["old"], item["new"]) for item in document["verdicts"]}
    assert code == 1
    assert document["regressed"] is True
    assert lost["training.loop"] == ("yes", "no")
    done = command("diff", old, new)
    assert done.returncode == 1
    assert "fell    training.loop: yes -> no" in done.stdout


def test_a_gain_is_no_regression(old: Path, tmp_path: Path) -> None:
    clipped = TRAIN.replace(
        "        optimizer.step()\n",
        "        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer.step()\n",
    )
    code, document = compared(old, audit_of(tmp_path, clipped))
    assert code == 0
    assert "training.clipping" in {item["probe"] for item in document["verdicts"]}
    assert "training" in {item["capability"] for item in document["scores"]}


def test_evidence_that_moved_is_shown_with_both_places(old: Path, tmp_path: Path) -> None:
    code, document = compared(
        old, audit_of(tmp_path, TRAIN.replace("\nimport torch\n", "\n\nimport torch\n"))
    )
    moved = {item["probe"]: item for item in document["moves"]}
    assert code == 0
    assert all(place.startswith("pkg/train.py:") for place in moved["training.loop"]["gone"])
    assert moved["training.loop"]["found"]


def test_scores_alone_can_be_compared(old: Path, tmp_path: Path) -> None:
    new = audit_of(tmp_path / "new", "")
    for name, audit in (("a", old), ("b", new)):
        (tmp_path / name).mkdir()
        shutil.copy(audit / "audit_artifacts" / "capabilities_scored.json", tmp_path / name)
    scored = [tmp_path / name / "capabilities_scored.json" for name in ("a", "b")]
    done = command("diff", *scored)
    assert "verdicts not compared" in done.stdout
    assert done.returncode == 1
    assert command("diff", scored[1], scored[0]).returncode == 0


def test_what_is_no_audit_is_a_usage_error(old: Path, tmp_path: Path) -> None:
    done = command("diff", old, tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    (tmp_path / "capabilities_scored.json").write_text("{}")
    assert command("diff", old, tmp_path).returncode in (1, 2)
