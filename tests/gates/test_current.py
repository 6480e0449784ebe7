"""The committed audit fits the tree, and its quick look agrees with ``verify``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from codex_audit.gates.current import current_audit
from codex_audit.main import main
from codex_audit.stages.places import MARKER
from codex_audit.verify.vocabulary import vocabulary
from tests.commands.cli import MANIFEST, edit_json, raise_scores, recompute_chain, write_tree
from tests.gates.places import git, hook, repository
from tests.scanners.scanning import HEX, letters, scan


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = write_tree(tmp_path_factory.mktemp("current") / "tree")
    repository(tree, {})
    assert main(["run", str(tree), "--format", "json"]) == 0
    git(tree, "add", "--all")
    return tree


@pytest.fixture
def tree(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "tree"))


def verdict(tree: Path) -> tuple[str, list[str]]:
    found = current_audit(tree, vocabulary(), 1).verdict
    return found.word, [finding.file for finding in found.findings]


def test_an_audit_that_fits_is_not_validated_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds on a large tree is left out, and only where every digest fits."""
    monkeypatch.setattr("codex_audit.verify.audit.verify_audit", lambda question: pytest.fail("it was"))
    assert verdict(tree) == ("CONSISTENT", [])
    assert hook(tree, "current") == (0, [])


def test_a_changed_file_makes_it_stale(tree: Path) -> None:
    (tree / "pkg/train.py").write_text("x = 1\n")
    (tree / "more.py").write_text("")
    git(tree, "add", "--all")
    code, lines = hook(tree, "current")
    assert (code, lines[:2]) == (
        4,
        ["more.py: added since the audit", "pkg/train.py: changed since the audit"],
    )
    assert "STALE" in lines[2]
    assert "codex-audit run" in lines[2]


def test_settings_that_changed_make_it_stale(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("threshold: 0.9\n")
    word, files = verdict(tree)
    assert (word, sorted(files)) == ("STALE", ["workflow.yaml", "workflow.yaml"])


def test_a_forged_score_is_named(tree: Path) -> None:
    raise_scores(tree)
    assert verdict(tree) == ("INVALID", ["audit_artifacts/capabilities_scored.json"])


def test_a_listing_that_was_forged_with_its_chain_is_named(tree: Path) -> None:
    edit_json(tree / "audit_artifacts/context_index.json", lambda index: index["files"].pop())
    recompute_chain(tree, head=True)
    assert verdict(tree) == ("INVALID", ["audit_artifacts/context_index.json"])


def test_a_record_that_names_other_files_as_reports_is_named(tree: Path) -> None:
    record = tree / "audit_artifacts/audit_run_record.json"
    path = json.loads(record.read_bytes())["reports"]["report:markdown"]
    (tree / "pkg/report.py").write_bytes((tree / path).read_bytes())
    edit_json(record, lambda value: value["reports"].update({"report:markdown": "pkg/report.py"}))
    assert verdict(tree)[0] == "INVALID"


@pytest.mark.parametrize("damage", ["cut", "gone", "more", "begun"])
def test_what_does_not_fit_is_said_as_verify_says_it(tree: Path, damage: str) -> None:
    if damage == "cut":
        (tree / MANIFEST).write_bytes((tree / MANIFEST).read_bytes()[:-5])
    elif damage == "gone":
        (tree / "audit_artifacts/gaps.json").unlink()
    elif damage == "more":
        (tree / "reports/capability_matrix_20200101T000000Z.md").write_text("old")
    else:
        (tree / MARKER).write_text("{}")
    word, files = verdict(tree)
    assert (word, len(files)) == ("INTERRUPTED" if damage == "begun" else "INVALID", 1)
    assert main(["verify", str(tree)]) == (4 if damage == "begun" else 1)


def test_the_scan_that_an_audit_rests_on_has_to_be_in_git_and_what_it_was(tree: Path) -> None:
    scan(tree, tree, "--only", "bandit")
    assert main(["run", str(tree), "--format", "json"]) == 0
    git(tree, "add", "--all")
    assert hook(tree, "current") == (0, [])
    git(tree, "rm", "--quiet", "--cached", "audit_artifacts/security/bandit.json")
    code, lines = hook(tree, "current")
    assert (code, lines[0].startswith("audit_artifacts/security/bandit.json: is not in git")) == (1, True)
    report = tree / "audit_artifacts/security/bandit.json"
    report.write_bytes(report.read_bytes().replace(b'"done"', b'"partial"'))
    git(tree, "add", "--all")
    code, lines = hook(tree, "current")
    assert (code, "bandit.json is not what the scan wrote" in lines[0]) == (4, True)


def test_a_scan_of_another_tree_is_mentioned_and_no_reason_to_refuse(tree: Path) -> None:
    scan(tree, tree, "--only", "bandit")
    (tree / "pkg/more.py").write_text("LATER = 1\n")
    assert main(["run", str(tree), "--format", "json"]) == 0
    git(tree, "add", "--all")
    code, lines = hook(tree, "current")
    assert (code, len(lines)) == (0, 1)
    assert "audit_artifacts/security/scan.json is of another tree" in lines[0]


def test_what_a_former_scan_withholds_has_to_be_in_git(tree: Path) -> None:
    (tree / "pkg/track.py").write_text(f'import wandb\n\nwandb.login(key="{letters(40, HEX)}")\n')
    scan(tree, tree, "--only", "secrets")
    (tree / "pkg/more.py").write_text("LATER = 1\n")
    assert main(["run", str(tree), "--format", "json"]) == 0
    git(tree, "add", "--all")
    code, lines = hook(tree, "current")
    assert (code, len(lines), "scan.json is of another tree" in lines[0]) == (0, 1, True)
    git(tree, "rm", "--quiet", "--cached", "-r", "audit_artifacts/security")
    code, lines = hook(tree, "current")
    named = [line for line in lines if "is not in git" in line]
    assert (code, [line.partition(":")[0] for line in named]) == (
        1,
        ["audit_artifacts/security/withheld.json"],
    )


def test_a_part_of_the_audit_that_git_does_not_hold_is_named(tree: Path) -> None:
    git(tree, "rm", "--quiet", "--cached", "audit_artifacts/gaps.json")
    code, lines = hook(tree, "current")
    assert code == 1
    assert lines[0].startswith("audit_artifacts/gaps.json: is not in git")


def test_a_tree_below_the_top_of_a_repository_is_looked_at_in_its_folder(tmp_path: Path, made: Path) -> None:
    name = ":(x) [a]*"
    shutil.copytree(made, tmp_path / name, ignore=shutil.ignore_patterns(".git"))
    repository(tmp_path, {})
    assert main(["run", str(tmp_path / name), "--format", "json"]) == 0
    git(tmp_path, "add", "--all")
    assert hook(tmp_path / name, "current") == (0, [])


def test_without_an_audit_the_way_to_make_one_is_said(tmp_path: Path) -> None:
    code, lines = hook(repository(tmp_path, {"a.py": ""}), "current")
    assert (code, len(lines)) == (2, 1)
    assert "codex-audit run" in lines[0]
