"""Settings: where they come from, what underlies them, and how mistakes are named."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.workflow.check import KEYS
from codex_audit.workflow.load import default_text, load_workflow
from codex_audit.workflow.settings import STAGES, Vocabulary, Workflow, defaults
from codex_audit.workflow.values import nearest
from codex_evidence.errors import CodexError, UnreadableError, UsageError

NAMES = Vocabulary(
    probes=("config.saved", "config.sweep", "tests.run"), formats=("markdown", "json", "html", "sarif")
)
DEFAULT = defaults()


def loaded(tree: Path, text: str, name: str = "workflow.yaml") -> Workflow:
    (tree / name).write_text(text, encoding="utf-8")
    return load_workflow(tree, None, NAMES).workflow


def refusal(tree: Path, text: str, name: str = "workflow.yaml") -> str:
    with pytest.raises(UsageError) as caught:
        loaded(tree, text, name)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_tree_without_settings_gets_the_defaults(tmp_path: Path) -> None:
    assert load_workflow(tmp_path, None, NAMES).workflow == DEFAULT
    assert DEFAULT.stages == STAGES
    assert sum(DEFAULT.weights.values()) == pytest.approx(1)
    assert DEFAULT.threshold == 0.7


def test_the_default_file_explains_every_setting_and_shows_its_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, default_text()) == replace(DEFAULT, source="workflow.yaml")
    values = yaml.safe_load(default_text())
    assert tuple(values) == KEYS
    assert values["weights"] == DEFAULT.weights
    for key in KEYS:
        before = default_text().split(f"\n{key}:")[0].splitlines()[-1]
        assert before.startswith("#"), key


def test_workflow_yaml_comes_before_pyproject_and_after_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.codex-audit]\nthreshold = 0.3\n")
    assert load_workflow(tmp_path, None, NAMES).workflow.threshold == 0.3
    assert loaded(tmp_path, "threshold: 0.4\n").threshold == 0.4
    other = tmp_path / "other.yaml"
    other.write_text("threshold: 0.5\n")
    given_file = load_workflow(tmp_path, other, NAMES).workflow
    assert (given_file.threshold, given_file.source) == (0.5, "command line")


def test_what_is_left_out_keeps_its_default_also_within_weights(tmp_path: Path) -> None:
    workflow = loaded(tmp_path, "weights: {tests: 1}\nexclude: [third_party/**]\n")
    assert workflow.weights == {**DEFAULT.weights, "tests": 1.0}
    assert workflow.exclude == ("third_party/**",)
    assert workflow.threshold == DEFAULT.threshold


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "# nothing yet\n").weights == DEFAULT.weights


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    first = loaded(tmp_path, "disable: {config.sweep: run elsewhere}\nformats: [json]\nstages: [S1, S2]\n")
    (tmp_path / "workflow.yaml").unlink()
    text = '[tool.codex-audit]\nformats = ["json"]\nstages = ["S1", "S2"]\n'
    text += '[tool.codex-audit.disable]\n"config.sweep" = "run elsewhere"\n'
    second = loaded(tmp_path, text, "pyproject.toml")
    assert (first.disable, first.formats, first.stages) == (second.disable, second.formats, second.stages)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("threshold: 0.7\ntreshold: 0.5\n", "workflow.yaml:2:", ("'treshold'", "'threshold'")),
        ("weights:\n  tests: 1\n  test: 2\n", "workflow.yaml:3:", ("'test'", "'tests'")),
        ("weights:\n  tests: -1\n", "workflow.yaml:2:", ("'tests'", "-1")),
        ("weights:\n  tests: .nan\n", "workflow.yaml:2:", ("nan",)),
        ("weights:\n  tests: true\n", "workflow.yaml:2:", ("True",)),
        (f"weights:\n  tests: 1{'0' * 400}\n", "workflow.yaml:2:", ("'tests'",)),
        (
            "weights: {functionality: 0, consistency: 0, tests: 0, safeguards: 0, documentation: 0}\n",
            "workflow.yaml:1:",
            ("all weights are 0",),
        ),
        ("\nthreshold: 70\n", "workflow.yaml:2:", ("between 0 and 1", "70")),
        ("threshold: high\n", "workflow.yaml:1:", ("'high'",)),
        ("threshold:\n", "workflow.yaml:1:", ("None",)),
        ("stages: [S1, S3]\n", "workflow.yaml:1:", ("without holes",)),
        ("stages: [S2]\n", "workflow.yaml:1:", ("from S1",)),
        ("stages: S1\n", "workflow.yaml:1:", ("list",)),
        ("exclude: third_party\n", "workflow.yaml:1:", ("list of globs",)),
        ("exclude: [/etc/**]\n", "workflow.yaml:1:", ("relative",)),
        ("exclude: [../other]\n", "workflow.yaml:1:", ("within",)),
        ('exclude: ["a\\0b"]\n', "workflow.yaml:1:", ("list of globs",)),
        ("disable: [config.sweep]\n", "workflow.yaml:1:", ("to reasons",)),
        ("disable:\n  config.swep: no\n", "workflow.yaml:2:", ("'config.swep'", "'config.sweep'")),
        ("disable:\n  config.sweep:\n", "workflow.yaml:2:", ("needs a reason",)),
        ("disable:\n  config.sweep: '  '\n", "workflow.yaml:2:", ("needs a reason",)),
        ("formats: [markdwn]\n", "workflow.yaml:1:", ("'markdwn'", "'markdown'")),
        ("formats: []\n", "workflow.yaml:1:", ("markdown, json, html, sarif",)),
        ("- threshold\n", "workflow.yaml:1:", ("mapping",)),
        ("just words\n", "workflow.yaml:1:", ("mapping",)),
        ("a: [\n", "workflow.yaml:2:", ("not YAML",)),
        ("1: 2\n", "workflow.yaml:1:", ("a key must be a name",)),
        ("threshold: 0.1\nthreshold: 0.9\n", "workflow.yaml:2:", ("twice", "line 1")),
        ("threshold: !!python/object/apply:os.getcwd []\n", "workflow.yaml:1:", ("not YAML",)),
        ("threshold: 2001-99-99\n", "workflow.yaml", ("not YAML",)),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(
    tmp_path: Path, text: str, place: str, words: tuple[str, ...]
) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(place)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_mistake_in_pyproject_is_named_with_its_line(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n\n[tool.codex-audit]\nthreshold = 0.5\n'
    text += "\n[tool.codex-audit.weights]\ntest = 1\n"
    message = refusal(tmp_path, text, "pyproject.toml")
    assert message.startswith("pyproject.toml:8:")
    assert "'tests'" in message


def test_a_pyproject_of_others_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nthreshold = 3\n")
    assert load_workflow(tmp_path, None, NAMES).workflow == DEFAULT


@pytest.mark.parametrize("data", [b"[tool", b"\xff\xfe", b"x = 1\nx = 2\n", b"a = " + b"[" * 5000])
def test_a_broken_pyproject_that_is_not_ours_is_passed_over_with_a_note(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pyproject.toml").write_bytes(data)
    result = load_workflow(tmp_path, None, NAMES)
    assert result.workflow == DEFAULT
    assert "pyproject.toml" in result.notes[0]


def test_a_broken_pyproject_that_holds_our_table_is_refused(tmp_path: Path) -> None:
    assert "not TOML" in refusal(tmp_path, "[tool.codex-audit]\nthreshold = \n", "pyproject.toml")
    assert "must be a table" in refusal(tmp_path, "[tool]\ncodex-audit = 3\n", "pyproject.toml")


def test_a_fifo_or_a_folder_in_place_of_settings_does_not_hold_the_audit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pyproject.toml")
    assert load_workflow(tmp_path, None, NAMES).notes
    os.mkfifo(tmp_path / "workflow.yaml")
    with pytest.raises(UnreadableError):
        load_workflow(tmp_path, None, NAMES)


def test_settings_in_a_tree_are_not_read_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("threshold: 0.1\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "workflow.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(UnreadableError):
        load_workflow(tree, None, NAMES)
    named = load_workflow(tree, tree / "workflow.yaml", NAMES)
    assert named.workflow.threshold == 0.1


def test_a_workflow_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"absent\.yaml"):
        load_workflow(tmp_path, tmp_path / "absent.yaml", NAMES)


def test_a_foreign_workflow_yaml_is_refused_with_the_way_out(tmp_path: Path) -> None:
    assert "--workflow" in refusal(tmp_path, "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n")


def test_deep_and_self_similar_yaml_ends_in_one_line(tmp_path: Path) -> None:
    assert "YAML" in refusal(tmp_path, "threshold: " + "[" * 5000)
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert len(refusal(tmp_path, bomb)) < 300


@given(st.text(min_size=1), st.sets(st.text(min_size=1), min_size=1))
def test_some_known_name_is_always_offered(name: str, known: set[str]) -> None:
    assert nearest(name, sorted(known)) in known


@given(data=st.binary(max_size=200))
def test_no_bytes_in_workflow_yaml_end_in_anything_but_settings_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    tree = tmp_path_factory.mktemp("tree")
    (tree / "workflow.yaml").write_bytes(data)
    try:
        load_workflow(tree, None, NAMES)
    except CodexError as error:
        assert str(error)


def test_the_user_hears_which_settings_are_passed_over_and_what_the_tree_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text("exclude: ['*.md']\n")
    (tmp_path / "pyproject.toml").write_text("[tool.codex-audit]\nthreshold = 0.5\n")
    notes = load_workflow(tmp_path, None, NAMES).notes
    assert any("passed over" in note for note in notes)
    assert any("1 excluded path patterns" in note for note in notes)
    (tmp_path / "workflow.yaml").unlink()
    assert load_workflow(tmp_path, None, NAMES).notes == ()


def test_a_symlink_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").symlink_to("/etc/hostname")
    with pytest.raises(UnreadableError, match="a symlink, and none is followed"):
        load_workflow(tmp_path, None, NAMES)
