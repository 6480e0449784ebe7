"""The same tree gives the same bytes: anywhere, at any time, however the work was shared out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.commands.cli import ARTIFACTS, MANIFEST, TRAIN, audited, snapshot, write_tree


def chained(output: Path) -> dict[str, bytes]:
    """Everything that an audit chained, by a name without a time; the manifest too."""
    found = {name: (output / "audit_artifacts" / f"{name}.json").read_bytes() for name in ARTIFACTS}
    found["manifest"] = (output / MANIFEST).read_bytes()
    for path in (output / "reports").glob("capability_matrix_*"):
        found[path.suffix] = path.read_bytes()
    assert {".md", ".json", ".html", ".sarif"} < found.keys()
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that is large enough for the work to be shared among processes."""
    tree = write_tree(tmp_path_factory.mktemp("large") / "tree")
    for number in range(300):
        (tree / "pkg" / f"part_{number}.py").write_text(TRAIN.replace("def train", f"def train_{number}"))
    for number in range(9):
        (tree / "pkg" / f"padding_{number}.py").write_text("# padding\n" * 100_000 + f"VALUE = {number}\n")
    (tree / "broken.py").write_text("def broken(:\n")
    (tree / "names").mkdir()
    (tree / "names" / "ünïcode").write_text("x")
    return tree


def test_the_same_bytes_from_other_folders_zones_seeds_and_processes(large: Path, tmp_path: Path) -> None:
    other = tmp_path / "a quite different place" / "tree"
    shutil.copytree(large, other)
    first = {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "1"}
    second = {"TZ": "America/Adak", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"}
    audited(large, "--output", tmp_path / "one", "--jobs", 1, env=first)
    audited(other, "--jobs", 2, env=second)
    assert chained(tmp_path / "one") == chained(other)


def test_a_second_audit_does_not_see_the_first(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    audited(tree, env={"SOURCE_DATE_EPOCH": "1000000000"})
    first = chained(tree)
    audited(tree, env={"SOURCE_DATE_EPOCH": "2000000000"})
    assert chained(tree) == first
    audited(tree, "--output", tree / "deep" / "er")
    assert chained(tree / "deep" / "er") == first


def test_only_the_record_and_file_names_hold_a_clock(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    audited(tree, env={"SOURCE_DATE_EPOCH": "1000000000"})
    names = {path for path in snapshot(tree) if path.startswith("reports/")}
    suffixes = ("md", "json", "html", "sarif")
    assert names == {f"reports/capability_matrix_20010909T014640Z.{suffix}" for suffix in suffixes}
    for path, (_, data) in snapshot(tree).items():
        assert path.endswith("audit_run_record.json") or b"20010909" not in data, path
        assert path.endswith("audit_run_record.json") or str(tmp_path).encode() not in data, path
