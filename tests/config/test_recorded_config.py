"""The recorded configuration: its bytes, its digest, its schema, its paths; and the presets."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.resources import schema_folder
from codex_evidence.schemas import validate
from codex_evidence.strict_json import loads
from codex_train.config.digest import config_digest, config_document
from codex_train.config.load import config_from_plain, load_config
from codex_train.config.nouns import Config
from codex_train.config.paths import expand, resolve
from codex_train.config.schema import explanations, schema_text

PRESETS = Path(__file__).resolve().parents[2] / "configs"
NAMES = sorted(path.name for path in PRESETS.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_loads_follows_the_schema_and_comes_back_whole(name: str) -> None:
    config = load_config(PRESETS / name, ["data.files=[/corpus.txt]"]).config
    document = loads(config_document(config))
    validate(document, "run_config")
    assert config_from_plain(document) == config
    assert config.name == name.removesuffix(".yaml")


def test_there_is_a_preset_for_each_purpose() -> None:
    assert NAMES == [
        "deterministic.yaml",
        "lora-smollm2.yaml",
        "lora.yaml",
        "offline.yaml",
        "shakespeare.yaml",
        "smoke.yaml",
    ]


def test_the_schema_file_is_what_the_nouns_say() -> None:
    assert (schema_folder() / "run_config.schema.json").read_text(encoding="utf-8") == schema_text()


def test_every_setting_is_explained() -> None:
    for section in dataclasses.fields(Config):
        cls = type(getattr(Config(), section.name))
        for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
            assert explanations()[f"{cls.__name__}.{field.name}"], f"{cls.__name__}.{field.name}"


numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | numbers,
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), inside, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(plain, st.floats(1e-300, 1e3))
def test_what_is_recorded_is_what_was_trained(option: object, rate: float) -> None:
    overrides = ["data.files=[/a]", f"model.options.x={json.dumps(option)}", f"optimizer.lr={rate!r}"]
    config = load_config(None, overrides).config
    document = config_document(config)
    again = config_from_plain(loads(document))
    assert again == config
    assert repr(again) == repr(config)  # types too: 1 and 1.0 are equal
    assert config_document(again) == document
    assert config.optimizer.lr == rate


def test_the_digest_is_of_the_settings_and_not_of_how_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("optimizer: {lr: 1e-3}\ndata: {files: [x]}\n")
    (tmp_path / "b.yaml").write_text("# other\ndata:\n  files:\n  - x\noptimizer:\n  lr: 0.0010\n")
    first, second = (config_digest(load_config(tmp_path / name).config) for name in ("a.yaml", "b.yaml"))
    assert first == second
    assert first != config_digest(load_config(tmp_path / "a.yaml", ["run.seed=1"]).config)


def test_paths_of_a_file_count_from_it_and_those_of_an_override_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "configs" / "a.yaml").write_text("data: {files: [in.txt]}\nmodel: {path: base}\n")
    monkeypatch.chdir(tmp_path / "here")
    loaded = load_config(Path("../configs/a.yaml"))
    assert loaded.base == tmp_path / "configs"
    assert resolve(loaded.config.data.files[0], loaded.base) == tmp_path / "configs" / "in.txt"
    given_here = load_config(Path("../configs/a.yaml"), ["data.files=[./out.txt,/abs,'~/h']", "model.path=m"])
    assert given_here.config.data.files == ["../here/out.txt", "/abs", "~/h"]
    assert given_here.config.model.path == "../here/m"
    (tmp_path / "here" / "out.txt").write_text("x")
    assert resolve("../here/out.txt", given_here.base).samefile("out.txt")
    assert resolve("~/h", given_here.base) == Path.home() / "h"


def test_a_configuration_reached_through_a_symlinked_folder_finds_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "deep" / "real" / "a.yaml").write_text("")
    (tmp_path / "link").symlink_to("deep/real")
    (tmp_path / "here.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    loaded = load_config(Path("link/a.yaml"), ["data.files=[here.txt]"])
    assert expand(loaded.config.data.files, loaded.base)[0].samefile("here.txt")


def test_globs_give_each_file_once_in_bytewise_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "a.txt", "B.txt", "é.txt", ".hidden.txt", "sub/c.txt", "[x].txt"):
        (tmp_path / name).write_text(name)
    found = [os.path.relpath(path, tmp_path) for path in expand(["**/*.txt", "a.txt", "sub"], tmp_path)]
    assert found == ["B.txt", "[x].txt", "a.txt", "b.txt", "sub", "sub/c.txt", "é.txt"]
    assert expand(["[x].txt"], tmp_path) == (tmp_path / "[x].txt",)


def test_a_path_without_a_file_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=rf"{tmp_path}/no\.txt does not exist .*count from {tmp_path}"):
        expand(["no.txt"], tmp_path)
    with pytest.raises(UsageError, match=r"no file matches no\*\.txt"):
        expand(["no*.txt"], tmp_path)
