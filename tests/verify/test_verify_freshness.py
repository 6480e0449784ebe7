"""Stale is not tampered: what was audited has changed since, which has its own word and exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.cli import PACKAGE_ROOT, audited, command, copy_of_package, write_tree


def stale(tree: Path, *arguments: object, package: Path = PACKAGE_ROOT) -> dict[str, str]:
    """What ``verify`` finds in an audit that it must call stale."""
    done = command("verify", tree, "--format", "json", *arguments, package=package)
    document = json.loads(done.stdout)
    assert (done.returncode, document["verdict"]) == (4, "STALE")
    assert "stale" in document["summary"]
    assert "tampered" not in done.stdout
    return {finding["file"]: finding["reason"] for finding in document["findings"]}


def test_a_source_file_changed_added_and_removed(tree: Path) -> None:
    (tree / "pkg" / "train.py").write_text("x = 1\n")
    (tree / "new.py").write_text("")
    (tree / "README.md").unlink()
    assert stale(tree) == {
        "README.md": "removed since the audit",
        "new.py": "added since the audit",
        "pkg/train.py": "changed since the audit",
    }


def test_a_mode_changed_and_a_file_that_became_a_symlink(tree: Path) -> None:
    (tree / "pkg" / "train.py").chmod(0o755)
    (tree / "README.md").unlink()
    (tree / "README.md").symlink_to("pkg/train.py")
    assert stale(tree) == {
        "README.md": "was a file, is a symlink",
        "pkg/train.py": "had mode 100644, has 100755",
    }


def test_the_workflow_changed(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("threshold: 0.5\n# laxer\n")
    found = command("verify", tree)
    assert found.returncode == 4
    assert "workflow.yaml: threshold was 0.6, it is 0.5" in found.stdout
    assert "workflow.yaml: changed since the audit" in found.stdout


def test_a_workflow_that_broke(tree: Path) -> None:
    (tree / "workflow.yaml").write_text("treshold: 0.5\n")
    assert "treshold" in stale(tree)["workflow"]


def test_a_workflow_from_elsewhere_is_compared_when_given(tmp_path: Path) -> None:
    tree, settings = write_tree(tmp_path / "tree"), tmp_path / "settings.yaml"
    settings.write_text("threshold: 0.5\nexclude: [README.md]\n")
    audited(tree, "--workflow", settings)
    without = command("verify", tree)
    assert without.returncode == 0
    assert "--workflow" in without.stdout
    assert command("verify", tree, "--workflow", settings).returncode == 0
    settings.write_text("threshold: 0.9\nexclude: [README.md]\n")
    assert stale(tree, "--workflow", settings) == {str(settings): "threshold was 0.5, it is 0.9"}


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("templates/*.j2", "templates"),
        ("codex_audit/capabilities/reproducibility.py", "catalogue"),
        ("codex_audit/query/*.toml", "catalogue"),
        ("codex_audit/stages/scoring.py", "tool-version"),
        ("codex_audit/artifacts.py", "tool-version"),
        ("codex_audit/parallel.py", "tool-version"),
        ("codex_evidence/canonical.py", "tool-version"),
    ],
)
def test_a_template_a_probe_or_the_program_changed_since(
    finished: Path, tmp_path: Path, pattern: str, word: str
) -> None:
    package = copy_of_package(tmp_path)
    (path, *_) = sorted(package.glob(pattern))
    comment = "{# #}" if path.suffix == ".j2" else "\n# changed\n"
    path.write_text(path.read_text() + comment)
    assert stale(finished, package=package).keys() == {word}


def test_another_version_of_the_tool(finished: Path, tmp_path: Path) -> None:
    package = copy_of_package(tmp_path)
    init = package / "codex_audit" / "__init__.py"
    init.write_text(init.read_text() + '\n__version__ = "99.0"\n')
    assert "99.0" in stale(finished, package=package)["tool-version"]


def test_without_the_tree_only_the_chain_is_checked(elsewhere: tuple[Path, Path]) -> None:
    _, audit = elsewhere
    done = command("verify", audit)
    assert done.returncode == 0
    assert "chain intact, freshness not checked" in done.stdout


def test_the_tree_can_lie_elsewhere(elsewhere: tuple[Path, Path], tmp_path: Path) -> None:
    tree, audit = elsewhere
    fresh = command("verify", audit, "--tree", tree)
    assert (fresh.returncode, "not checked" in fresh.stdout) == (0, False)
    shutil.copytree(tree, tmp_path / "tree")
    (tmp_path / "tree" / "README.md").write_text("other")
    assert stale(audit, "--tree", tmp_path / "tree") == {"README.md": "changed since the audit"}


def test_a_stale_audit_is_not_audited_again(tree: Path) -> None:
    (tree / "README.md").write_text("other")
    done = command("verify", tree, "--rerun")
    assert done.returncode == 4
    assert "not audited again" in done.stdout


def test_tampered_wins_over_stale(tree: Path) -> None:
    (tree / "README.md").write_text("other")
    (tree / "audit_artifacts" / "gaps.json").write_bytes(b"{}")
    done = command("verify", tree)
    assert (done.returncode, "tampered" in done.stdout, "STALE" in done.stdout) == (1, True, False)


def test_a_folder_without_an_audit_is_a_usage_error_that_says_what_to_do(tmp_path: Path) -> None:
    done = command("verify", tmp_path)
    assert done.returncode == 2
    assert "codex-audit run" in done.stderr
    assert command("verify", tmp_path / "absent").returncode == 2
