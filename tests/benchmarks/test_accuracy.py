"""The accuracy benchmark: what it counts, and that its labels are about the probes there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.accuracy import (
    Answer,
    Judged,
    Label,
    Repository,
    judge,
    measure,
    read_labels,
    report,
    wrong_lines,
)
from benchmarks.trees import LABELS, SDISTS, tree_of
from codex_audit.accuracy.figures import Counts
from codex_audit.capabilities.catalogue import probes
from tests.commands.cli import PACKAGE_ROOT, write_tree

YES = Label(True, False, (("pkg/a.py", 10),), "")
NO = Label(False, False, (), "")
HARD = Label(True, True, (), "close")


def judged(*pairs: tuple[str, Label, Answer]) -> list[Judged]:
    return [Judged("demo", probe, label, answer) for probe, label, answer in pairs]


def test_the_labels_are_about_every_probe_in_the_order_of_the_catalogue() -> None:
    ids = [probe.id for probe in probes()]
    for file in sorted(LABELS.glob("*.json")):
        repository = read_labels(file)
        assert list(repository.labels) == ids, file.name
        assert all(
            label.places or not label.yes or "absence" in label.note for label in repository.labels.values()
        )


def test_every_labelled_repository_is_pinned_by_version_and_hash() -> None:
    lines = [line.split() for line in SDISTS.read_text().splitlines() if "==" in line]
    repositories = [read_labels(file) for file in sorted(LABELS.glob("*.json"))]
    assert [words[0] for words in lines] == [f"{one.name}=={one.version}" for one in repositories]
    assert all(words[1].startswith("--hash=sha256:") and len(words[1]) == 78 for words in lines)


def test_anything_but_yes_counts_as_no() -> None:
    said = ("yes", "no", "unknown", "not_applicable")
    on_yes = [Judged("demo", "a.b", YES, Answer(verdict, ())).counts for verdict in said]
    on_no = [Judged("demo", "a.b", NO, Answer(verdict, ())).counts for verdict in said]
    assert on_yes == [Counts(tp=1), *[Counts(fn=1)] * 3]
    assert on_no == [Counts(fp=1), *[Counts(tn=1)] * 3]


def test_hard_labels_are_counted_apart() -> None:
    repository = Repository("demo", "1.0", {"a.b": HARD, "a.c": YES})
    found = list(judge(repository, {"a.b": Answer("no", ()), "a.c": Answer("yes", ())}))
    result = measure([repository], found)
    assert (result.corpus, result.hard) == (("demo 1.0",), 1)
    assert result.probes == {"a.b": Counts(), "a.c": Counts(tp=1)}
    assert "agreed 0 of 1" in "\n".join(report(found))


@pytest.mark.parametrize(
    ("place", "cited", "near"),
    [
        (("pkg/a.py", 30), "1.000", "1.000"),
        (("pkg/a.py", 31), "1.000", "0.000"),
        (("pkg/b.py", 10), "0.000", "0.000"),
    ],
)
def test_evidence_is_right_in_the_file_that_the_label_cites_and_near_within_20_lines(
    place: tuple[str, int], cited: str, near: str
) -> None:
    line = next(report(judged(("a.b", YES, Answer("yes", (place,))))))
    assert f"evidence {cited}  near {near}" in line


def test_a_wrong_answer_is_listed_with_the_places_of_both() -> None:
    lines = list(wrong_lines(judged(("a.b", YES, Answer("no", ())), ("a.c", NO, Answer("no", ())))))
    assert lines == ["wrong demo a.b: said no ; label yes pkg/a.py:10"]


def test_a_tree_is_found_by_name_and_version(tmp_path: Path) -> None:
    for name in ("scvi_tools-1.4.2", "scvi_tools-1.5.0", "scvi-tools-extra-1.4.2"):
        (tmp_path / name).mkdir()
    assert tree_of(tmp_path, "scvi-tools", "1.4.2").name == "scvi_tools-1.4.2"
    with pytest.raises(FileNotFoundError, match="README"):
        tree_of(tmp_path, "scvi-tools", "9.9")


def test_the_command_audits_compares_and_fails_below_a_limit(tmp_path: Path) -> None:
    write_tree(tmp_path / "trees" / "demo-1.0")
    (tmp_path / "labels").mkdir()
    label = {"e": [], "note": "", "hard": False}
    labels = {
        "training.loop": {**label, "v": "yes", "e": ["pkg/train.py:15"]},
        "training.clipping": {**label, "v": "yes"},
    }
    document = {"repo": "demo", "revision": "1.0", "labels": labels}
    (tmp_path / "labels" / "demo.json").write_text(json.dumps(document))
    command = [sys.executable, "-m", "benchmarks.accuracy", "--wrong", "--min-accuracy", "0.6"]
    done = subprocess.run(
        [*command, "--trees", str(tmp_path / "trees"), "--labels", str(tmp_path / "labels")],
        cwd=PACKAGE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "accuracy 0.500" in done.stdout
    assert "wrong demo training.clipping: said no" in done.stdout
