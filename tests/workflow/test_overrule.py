"""Overruling a verdict in the settings: what may be said, where it stands, and when it ends."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from codex_audit.artifacts import Overruling
from codex_audit.workflow.load import load_workflow
from codex_audit.workflow.settings import Vocabulary
from codex_evidence.errors import UsageError

NAMES = Vocabulary(
    probes=("config.saved", "config.sweep", "training.clipping"),
    formats=("markdown", "json", "html", "sarif"),
)
TODAY = date(2026, 6, 15)


def overruled(tree: Path, text: str, name: str = "workflow.yaml") -> dict[str, Overruling]:
    (tree / name).write_text(text, encoding="utf-8")
    return load_workflow(tree, None, NAMES, TODAY).workflow.overrule


def refusal(tree: Path, text: str, name: str = "workflow.yaml") -> str:
    with pytest.raises(UsageError) as caught:
        overruled(tree, text, name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("'yes'", "yes"),
        ('"no"', "no"),
        ("Yes", "yes"),
        ("'No'", "no"),
        ("off", "no"),
    ],
)
def test_yes_and_no_are_verdicts_bare_and_in_quotes(tmp_path: Path, written: str, verdict: str) -> None:
    text = f"overrule:\n  config.sweep:\n    verdict: {written}\n    reason: run elsewhere\n"
    assert overruled(tmp_path, text) == {
        "config.sweep": Overruling(verdict, "run elsewhere", "workflow.yaml", 2)  # type: ignore[arg-type]
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.codex-audit]\noverrule.'config.sweep' = {verdict = false, reason = 'dead'}\n", 2),
        ("[tool.codex-audit.overrule]\n\n'config.sweep' = {verdict = 'no', reason = 'dead'}\n", 3),
        ("[tool.codex-audit.overrule.'config.sweep']\nverdict = 'no'\nreason = 'dead'\n", 1),
        (
            'x = 1\n[tool.codex-audit.overrule]\n"config.sweep".verdict = "no"\n"config.sweep".reason = "dead"\n',
            3,
        ),
        ("tool = {codex-audit = {overrule = {'config.sweep' = {verdict = 'no', reason = 'dead'}}}}\n", 1),
    ],
)
def test_every_way_to_write_it_in_toml_knows_its_line(tmp_path: Path, text: str, line: int) -> None:
    assert overruled(tmp_path, text, "pyproject.toml") == {
        "config.sweep": Overruling("no", "dead", "pyproject.toml", line)
    }


def test_a_file_of_the_command_line_is_named_without_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "strict.yaml"
    file.write_text("overrule: {config.sweep: {verdict: no, reason: dead}}\n")
    found = load_workflow(tmp_path, file, NAMES).workflow.overrule
    assert found["config.sweep"].place == "strict.yaml:1"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("overrule: [config.sweep]\n", "workflow.yaml:1:", ("mapping of probes",)),
        ("overrule:\n  config.swep: {verdict: no, reason: x}\n", "workflow.yaml:2:", ("'config.sweep'",)),
        ("overrule:\n  config.sweep: no\n", "workflow.yaml:2:", ("a verdict and a reason", "False")),
        ("overrule:\n  config.sweep: {reason: x}\n", "workflow.yaml:2:", ("verdict yes or no",)),
        ("overrule:\n  config.sweep:\n    reason: x\n    verdict: maybe\n", "workflow.yaml:4:", ("'maybe'",)),
        ("overrule:\n  config.sweep: {verdict: 1, reason: x}\n", "workflow.yaml:2:", ("not 1",)),
        ("overrule:\n  config.sweep: {verdict: no}\n", "workflow.yaml:2:", ("needs a reason",)),
        ("overrule:\n  config.sweep:\n    verdict: no\n    reason: no\n", "workflow.yaml:4:", ("in words",)),
        ("overrule:\n  config.sweep: {verdict: no, reason: ' '}\n", "workflow.yaml:2:", ("in words",)),
        ("overrule:\n  config.sweep:\n    verdict: no\n    raeson: x\n", "workflow.yaml:4:", ("'reason'",)),
        (
            "overrule: {config.sweep: {verdict: no, reason: x, expires: soon}}\n",
            "workflow.yaml:1:",
            ("'soon'",),
        ),
        (
            "overrule: {config.sweep: {verdict: no, reason: x, expires: '2026-02-30'}}\n",
            "workflow.yaml:1:",
            ("a day",),
        ),
        (
            "overrule: {config.sweep: {verdict: no, reason: x, expires: 2026-02-03T01:02:03}}\n",
            "workflow.yaml:1:",
            ("a day",),
        ),
        (
            "overrule:\n  config.sweep: {verdict: no, reason: x}\n  config.sweep: {verdict: yes, reason: y}\n",
            "workflow.yaml:3:",
            ("twice", "line 2"),
        ),
        (
            "overrule:\n  config.sweep:\n    verdict: no\n    verdict: yes\n    reason: x\n",
            "workflow.yaml:4:",
            ("twice", "line 3"),
        ),
        (
            "disable:\n  config.sweep: elsewhere\noverrule:\n  config.sweep: {verdict: no, reason: x}\n",
            "workflow.yaml:4:",
            ("disabled on line 2", "keep one"),
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(
    tmp_path: Path, text: str, place: str, words: tuple[str, ...]
) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(place)
    assert all(word in message for word in words), message


def test_a_mistake_in_pyproject_has_its_line_too(tmp_path: Path) -> None:
    text = "[tool.codex-audit.overrule.'config.sweep']\nverdict = 'no'\nreason = 3\n"
    assert refusal(tmp_path, text, "pyproject.toml").startswith("pyproject.toml:3:")


def test_an_overruling_holds_up_to_its_last_day_and_a_note_says_when_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "workflow.yaml"
    file.write_text("overrule:\n  config.sweep: {verdict: no, reason: x, expires: 2026-06-15}\n")
    last, after = (load_workflow(tmp_path, None, NAMES, date(2026, 6, day)) for day in (15, 16))
    assert last.workflow.overrule["config.sweep"].expires == "2026-06-15"
    assert after.workflow.overrule == {}
    assert any("workflow.yaml:2" in note and "expired after 2026-06-15" in note for note in after.notes)


def test_the_user_hears_how_many_verdicts_the_tree_itself_overrules(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text("overrule: {config.sweep: {verdict: yes, reason: x}}\n")
    assert "1 overruled verdicts" in load_workflow(tmp_path, None, NAMES, TODAY).notes[0]


def test_aliases_that_repeat_a_mapping_thousands_of_times_take_no_longer(tmp_path: Path) -> None:
    wide = ", ".join(f"k{n}: 1" for n in range(2_000))
    text = f"weights: &w {{{wide}}}\n" + "".join(f"b{n}: *w\n" for n in range(2_000))
    assert "unknown" in refusal(tmp_path, text)
