"""``codex-audit explain``: what, why, where, how sure, what would change it, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_audit.accuracy.measured import measured
from codex_audit.capabilities.catalogue import CATALOGUE, probes
from codex_audit.capabilities.model import Probe
from codex_audit.reports.explanation import trust
from tests.commands.cli import TRAIN, audited, command, snapshot, write_tree

SECTIONS = (
    "Looked for",
    "Came near, and does not count",
    "What would change the answer",
    "What to do",
    "How far to trust it",
    "Why it is asked",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def told(*arguments: object, **environment: str) -> str:
    done = command("explain", *arguments, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flat(text: str) -> str:
    """``text`` with its lines joined, as a reader reads it."""
    return " ".join(text.split())


def probe(name: str) -> Probe:
    return next(one for one in probes() if one.id == name)


def test_a_yes_begins_with_the_verdict_and_shows_the_lines_that_prove_it(tree: Path) -> None:
    text = told("training.loop", tree)
    line = 1 + next(n for n, source in enumerate(TRAIN.splitlines()) if "optimizer.step()" in source)
    first, _, rest = text.partition("\n\n")
    assert first == "training.loop: yes"
    assert rest.startswith("Has a training loop or drives a trainer? Yes: takes an optimizer step")
    assert f"  pkg/train.py:{line} in train\n      optimizer.step()\n      takes an optimizer step" in text
    assert "(called, reached from an entry point)" in flat(text)
    assert "The rule that fired: takes an optimizer step with" in flat(text)
    assert "No, were this place gone" in text


def test_a_no_says_what_was_looked_for_what_would_count_and_what_to_do(tree: Path) -> None:
    text = told("training.clipping", tree)
    asked = probe("training.clipping")
    assert text.startswith("training.clipping: no\n\nClips gradients? No. None of the ")
    assert "Nothing came near." in flat(text)
    assert "torch.nn.utils.clip_grad*" in text
    for words in (
        asked.counts,
        asked.excludes,
        asked.remedy.text,
        asked.risk,
        asked.rollback,
        asked.motivation,
    ):
        assert words in flat(text)
    assert 'overrule: {training.clipping: {verdict: yes, reason: "..."}}' in text


def test_what_came_near_is_shown_with_its_line_and_why_it_does_not_count(tree: Path) -> None:
    test = "import torch\n\ndef test_a():\n    torch.nn.utils.clip_grad_norm_([], 1)\n    assert True\n"
    (tree / "tests").mkdir()
    (tree / "tests" / "test_a.py").write_text(test)
    text = told("training.clipping", tree)
    place = (
        "  tests/test_a.py:4\n      torch.nn.utils.clip_grad_norm_([], 1)\n      test code (clips gradients"
    )
    assert place in text
    assert "The nearest is tests/test_a.py:4: test code" in flat(text)


def test_the_sections_come_in_the_order_of_the_questions_that_a_reader_has(tree: Path) -> None:
    lines = told("training.clipping", tree).splitlines()
    assert [line for line in lines if line in SECTIONS] == [one for one in SECTIONS if one in lines]
    assert set(SECTIONS) - set(lines) == {"Came near, and does not count"}


def test_every_answer_says_how_right_its_probe_was(tree: Path) -> None:
    known = measured()
    for name in ("training.loop", "security.sbom"):
        text = flat(told(name, tree))
        assert all(line in text for line in trust(known.of(name), len(known.corpus)))
    assert "not measurable" in flat(told("security.sbom", tree))
    assert "95% interval" in flat(told("training.loop", tree))


@pytest.mark.parametrize("width", [40, 72, 100])
def test_prose_fits_the_terminal(tree: Path, width: int) -> None:
    prose = told("training.clipping", tree, COLUMNS=str(width)).partition("How far to trust it")[2]
    lines = [line for line in prose.splitlines()[:-1] if " " in line.strip()]
    assert max(map(len, lines)) <= width


def test_in_a_pipe_there_are_neither_colours_nor_trailing_blanks(tree: Path) -> None:
    text = told("training.loop", tree)
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_an_overruled_verdict_is_told_with_both_sides(tree: Path) -> None:
    settings = 'overrule:\n  training.loop: {verdict: no, reason: "a toy"}\n'
    (tree / "workflow.yaml").write_text(settings)
    text = told("training.loop", tree)
    assert text.startswith("training.loop: no (overruled; the audit itself found yes)\n")
    assert "workflow.yaml:2 overrules that to no, so it counts as no: A toy." in flat(text)
    assert "Yes, without the line workflow.yaml:2" in flat(text)
    assert probe("training.loop").remedy.text in flat(text)
    assert "overrule: {" not in text
    (tree / "workflow.yaml").write_text(settings.replace("no,", "yes,"))
    agreed = told("training.loop", tree)
    assert agreed.startswith("training.loop: yes\n")
    assert "workflow.yaml:2 says the same: A toy." in flat(agreed)


def test_what_cannot_be_known_says_what_it_waits_for(tree: Path) -> None:
    (tree / "pkg" / "odd.py").write_text("def step(:\n    clip_grad_norm_(1)\n")
    text = flat(told("training.clipping", tree))
    assert "It cannot be known: pkg/odd.py:1 could not be read" in text
    assert "once that file can be read" in text
    assert "If you know the answer" in text


def test_without_an_audit_the_tree_is_asked_and_nothing_is_written(tree: Path) -> None:
    before = snapshot(tree)
    assert "nothing was written" in told("training", tree)
    assert snapshot(tree) == before


def test_with_an_audit_the_answers_are_those_of_the_audit(tree: Path) -> None:
    audited(tree)
    (tree / "pkg" / "train.py").write_text("")
    text = told("training.loop", tree)
    assert text.startswith("training.loop: yes")
    assert "codex-audit verify" in text


def test_an_audit_that_lies_elsewhere(tree: Path, tmp_path: Path) -> None:
    assert command("explain", "training", tree, "--output", tmp_path).returncode == 2
    audited(tree, "--output", tmp_path / "audit")
    assert str(tmp_path / "audit") in told("training", tree, "--output", tmp_path / "audit")


def test_a_capability_is_told_probe_by_probe(tree: Path) -> None:
    text = told("training", tree)
    (capability,) = (item for item in CATALOGUE if item.id == "training")
    places = [text.index(f"{one.id}: {one.ask}") for one in capability.probes]
    assert places == sorted(places)
    assert "pkg/train.py:" in text


def test_a_program_gets_the_same_as_json(tree: Path) -> None:
    document: dict[str, Any] = json.loads(told("training", tree, "--format", "json"))
    (capability,) = (item for item in CATALOGUE if item.id == "training")
    items = {item["id"]: item for item in document["probes"]}
    assert list(items) == [one.id for one in capability.probes]
    loop, clipping = items["training.loop"], items["training.clipping"]
    assert loop["counted"] == loop["answer"]["verdict"] == "yes"
    assert loop["summary"].startswith("Has a training loop or drives a trainer? Yes")
    assert loop["answer"]["rule"]
    assert clipping["answer"]["counter"]
    assert clipping["remedy"]["text"] == probe("training.clipping").remedy.text
    figures = loop["measured"]
    assert figures["repositories"] == len(measured().corpus)
    assert set(figures["precision"]) == {"hits", "of", "low", "high"}


@pytest.mark.parametrize(("wrong", "right"), [("training.lop", "training.loop"), ("trainin", "training")])
def test_an_unknown_name_brings_the_nearest(tree: Path, wrong: str, right: str) -> None:
    done = command("explain", wrong, tree)
    assert done.returncode == 2
    assert right in done.stderr
