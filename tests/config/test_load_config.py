"""From files and overrides to settings: what is read as what, and how each mistake is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from codex_evidence.errors import CodexError, UnreadableError, UsageError
from codex_train.config.digest import config_plain
from codex_train.config.fields import settings
from codex_train.config.load import config_from_plain, load_config, override_config
from codex_train.config.nouns import Config, DataConfig, Format, Precision

FILES = "data.files=[/corpus.txt]"


def loaded(folder: Path, text: str, *overrides: str) -> Config:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return load_config(folder / "a.yaml", [FILES, *overrides]).config


def refusal(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(folder, text, *overrides)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


def test_defaults_then_file_then_overrides(tmp_path: Path) -> None:
    config = loaded(tmp_path, "run: {batch: 4, seed: 3}\n", "run.seed=5", "run.seed=6")
    assert (config.run.batch, config.run.seed, config.run.epochs) == (4, 6, 1.0)
    assert load_config(None, [FILES]).config == Config(data=DataConfig(files=["/corpus.txt"]))


def test_every_kind_of_value_is_read_as_its_setting_needs_it(tmp_path: Path) -> None:
    text = (
        "name: 010\nmodel:\n  options: {a: [1, 2.5, {b: null}], c: yes, d: '7', e: 1e-3, f: true}\n"
        "data: {format: instructions, licence: 2.0}\noptimizer: {lr: 1e-3, clip: 2, fused: off}\n"
        "run: {precision: bfloat16, steps: 1_000}\nlora:\n"
    )
    config = loaded(tmp_path, text)
    assert config.name == "010"
    assert config.model.options == {"a": [1, 2.5, {"b": None}], "c": "yes", "d": "7", "e": 0.001, "f": True}
    assert (config.data.format, config.data.licence) == (Format.instructions, "2.0")
    assert (config.optimizer.lr, config.optimizer.clip, config.optimizer.fused) == (0.001, 2.0, False)
    assert type(config.optimizer.clip) is float
    assert (config.run.precision, config.run.steps) == (Precision.bfloat16, 1000)


def test_overrides_add_to_a_mapping_and_replace_a_list(tmp_path: Path) -> None:
    text = "model: {options: {a: 1, b: {c: 2}}}\ncheckpoint: {pinned: [1, 2]}\n"
    config = loaded(tmp_path, text, "model.options.d=3", "model.options={b:{e:4}}", "checkpoint.pinned=[5]")
    assert config.model.options == {"a": 1, "b": {"c": 2, "e": 4}, "d": 3}
    assert config.checkpoint.pinned == [5]


def test_settings_may_repeat_others_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUS_FROM", "here")
    text = "run: {steps: '${schedule.warmup}'}\nschedule: {warmup: 7}\ndata: {source: 'from ${oc.env:CORPUS_FROM}'}\n"
    config = loaded(tmp_path, text, "name=x-${run.batch}")
    assert (config.run.steps, config.data.source, config.name) == (7, "from here", "x-8")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("run:\n  batch: 2\n  stesp: 5\n", "a.yaml:3: ", ("'run.stesp'", "'run.steps'")),
        ("optimizr: {lr: 1}\n", "a.yaml:1: ", ("'optimizr'", "'optimizer'")),
        ("\nlr: 1\n", "a.yaml:2: ", ("'lr'", "'optimizer.lr'")),
        ("training: {lr: 1}\n", "a.yaml:1: ", ("'training'",)),
        ("run:\n  qqqqq: 1\n", "a.yaml:2: ", ("run has steps, epochs, batch",)),
        ("run: 5\n", "a.yaml:1: ", ("section", "run.steps", "'5'")),
        ("run:\n  steps: 1.5\n", "a.yaml:2: ", ("run.steps must be a whole number", "'1.5'")),
        ("run:\n  steps: 1e3\n", "a.yaml:2: ", ("write 1000",)),
        ("run:\n  steps: '12'\n", "a.yaml:2: ", ("the text '12'",)),
        ("run:\n  steps: true\n", "a.yaml:2: ", ("'true'",)),
        ("run:\n  steps:\n", "a.yaml:2: ", ("not nothing",)),
        ("run:\n  steps: 99999999999999999999\n", "a.yaml:2: ", ("9007199254740991",)),
        ("optimizer:\n  lr: fast\n", "a.yaml:2: ", ("optimizer.lr must be a number", "'fast'")),
        ("optimizer:\n  lr: .nan\n", "a.yaml:2: ", ("finite",)),
        ("optimizer:\n  lr: 1e999\n", "a.yaml:2: ", ("finite",)),
        ("optimizer:\n  lr: [1]\n", "a.yaml:2: ", ("not a list",)),
        ("optimizer:\n  fused: 1\n", "a.yaml:2: ", ("true or false",)),
        ("run:\n  precision: bf16\n", "a.yaml:2: ", ("float32, bfloat16, float16", "'bfloat16'?")),
        ("data:\n  files: a.txt\n", "a.yaml:2: ", ("must be a list", "write [a.txt]")),
        ("data:\n  files:\n    - a\n    - [b]\n", "a.yaml:4: ", ("data.files[1] must be a text",)),
        ("name:\n", "a.yaml:1: ", ("name must be a text", "''")),
        ("name: '???'\n", "a.yaml:1: ", ("placeholder",)),
        ('name: "a\\0b"\n', "a.yaml:1: ", ("\\x00",)),
        ("name: ../up\n", "a.yaml:1: ", ("it names a folder",)),
        ("model:\n  options: {1 2: 3}\n", "a.yaml:2: ", ("'1 2'",)),
        ("model:\n  options: [a]\n", "a.yaml:2: ", ("mapping",)),
        ("model: {options: {big: 1.0e+30}}\n", "a.yaml:1: ", ("model.options.big", "2**53")),
        ("run: {batch: 1}\nrun: {seed: 1}\n", "a.yaml:2: ", ("'run' is given twice", "line 1")),
        ("run:\n  seed: 1\n  seed: 2\n", "a.yaml:3: ", ("'seed' is given twice",)),
        ("a: &x [1]\n", "a.yaml:1: ", ("${section.key}",)),
        ("run: *x\n", "a.yaml:1: ", ("anchors",)),
        ("name: !!python/object/apply:os.getcwd []\n", "a.yaml:1: ", ("tag",)),
        ("name: a\n---\nname: b\n", "a.yaml:2: ", ("not YAML",)),
        ("run: {\n", "a.yaml:2: ", ("not YAML",)),
        ("run: " + "[" * 5000 + "\n", "a.yaml:1: ", ("nested",)),
        ("- run\n", "a.yaml:1: ", ("by name",)),
        ("? [a]\n: 1\n", "a.yaml:1: ", ("a key must be a name",)),
        ("run:\n  steps: ${optimizer.lr}\n", "a.yaml:2: ", ("run.steps", "0.0003")),
        ("run:\n  steps: ${optimizer.nope}\n", "a.yaml:2: ", ("optimizer.nope",)),
        ("run:\n  steps: ${run.steps}\n", "a.yaml:2: ", ("ecursive",)),
        ("data:\n  source: ${nope:1}\n", "a.yaml:2: ", ("nope",)),
        ("data:\n  source: a ${ b\n", "a.yaml:2: ", ("data.source",)),
        ("checkpoint:\n  pinned: ${name}\n", "a.yaml:2: ", ("checkpoint.pinned", "a list")),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line_and_what_was_meant(
    tmp_path: Path, text: str, place: str, words: tuple[str, ...]
) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(place), message
    assert all(word in message for word in words), message


def test_a_wrong_value_is_named_where_it_stands_though_another_layer_was_fine(tmp_path: Path) -> None:
    assert refusal(tmp_path, "run:\n  batch: 0\n").startswith("a.yaml:2: run.batch must be between 1 and ")
    assert refusal(tmp_path, "run: {batch: 4}\n", "run.batch=-1").startswith(
        "override run.batch=-1: run.batch must"
    )
    assert loaded(tmp_path, "run: {batch: 0}\n", "run.batch=2").run.batch == 2


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"nothing\.yaml: No such file"):
        load_config(tmp_path / "nothing.yaml")
    with pytest.raises(UsageError, match="is a folder; give a configuration file"):
        load_config(tmp_path)
    for data, words in (
        (b"name: \xff\n", "not UTF-8 at byte 6"),
        (b"name: a\0b\n", "not YAML"),
        (b"x" * 2**21, "larger"),
    ):
        (tmp_path / "bad.yaml").write_bytes(data)
        with pytest.raises(CodexError, match=words) as caught:
            load_config(tmp_path / "bad.yaml")
        assert caught.value.exit_code == 2
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match="not a regular file"):
        load_config(tmp_path / "pipe")


def test_without_data_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data\.files=\[corpus\.txt\]"):
        load_config(None)


def test_any_text_survives_in_a_recorded_configuration_and_a_resume() -> None:
    base = load_config(None, [FILES]).config
    for text in ("a ${name} b", "\\${x}", "\\\\${x}\\", "${", "$${name}", "plain \\ one"):
        plain = config_plain(base)
        plain["data"]["source"] = text
        config = config_from_plain(plain)
        assert config.data.source == text
        changed = override_config(config, ["optimizer.lr=0.5"], Path("/"))
        assert (changed.data.source, changed.optimizer.lr) == (text, 0.5)


@effort(max_examples=40)
@given(st.text(alphabet="\\${}a.: '\"", max_size=12))
def test_a_resume_without_changes_changes_nothing(text: str) -> None:
    plain = config_plain(load_config(None, [FILES]).config)
    plain["data"]["source"] = text
    config = config_from_plain(plain)
    assert override_config(config, [], Path("/")) == config


def test_a_recorded_configuration_must_be_whole_and_valid() -> None:
    def refused(**changes: object) -> str:
        plain = config_plain(load_config(None, [FILES]).config)
        for name, value in changes.items():
            if value is None:
                del plain[name]
            else:
                plain[name] = {**plain[name], **value} if isinstance(value, dict) else value
        with pytest.raises(UsageError) as caught:
            config_from_plain(plain, source="RUN/config.json")
        return str(caught.value)

    assert "RUN/config.json: lora is missing; another version" in refused(lora=None)
    assert "schema" in refused(schema=None)
    assert "schema" in refused(schema="codex-audit/run_config/v9")
    assert "unknown field run.fast" in refused(run={"fast": True})
    assert "run.steps" in refused(run={"steps": "3"})
    assert "run.steps" in refused(run={"steps": -3})
    assert "precision" in refused(run={"precision": "float8"})


@effort(max_examples=40)
@given(st.sampled_from(sorted(settings())), st.data())
def test_a_setting_with_a_letter_lost_is_named(name: str, data: st.DataObject) -> None:
    section, dot, last = name.rpartition(".")
    if len(last) < 5 or last.startswith("beta"):  # beta is as near to beta1 as to beta2
        return
    index = data.draw(st.integers(1, len(last) - 1))
    wrong = f"{section}{dot}{last[:index]}{last[index + 1 :]}"
    if wrong in settings():
        return
    with pytest.raises(UsageError, match=f"did you mean '{name}'"):
        load_config(None, [f"{wrong}=1"])
