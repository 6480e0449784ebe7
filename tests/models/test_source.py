"""What a model is made from: every file that is read of its folder, and no other."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.digests import file_sha256
from codex_evidence.errors import UsageError
from codex_evidence.run_documents import model_digests
from codex_evidence.schemas import validate
from codex_train.config.nouns import ModelConfig
from codex_train.models.save import write_model
from codex_train.models.source import model_document
from tests.models.tiny import loaded, made

WATCHED: dict[str, set[str]] = {"": set()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with files beside it that no model is made from."""
    found = tmp_path_factory.mktemp("base") / "llama"
    write_model(made(), found)
    (found / "README.md").write_text("# A model\n")
    (found / "tokenizer.json").write_text("{}")
    return found


@pytest.fixture
def opened(folder: Path) -> Iterator[set[str]]:
    """The names of the files in ``folder`` that Python opens. A hook cannot be taken off again, so there is one."""
    if "" in WATCHED:
        sys.addaudithook(_heard)
        del WATCHED[""]
    WATCHED[str(folder)] = set()
    yield WATCHED[str(folder)]
    WATCHED.clear()


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | Path):
        path = Path(arguments[0])
        WATCHED.get(str(path.parent), set()).add(path.name)


def document(folder: Path, **settings: Any) -> dict[str, Any]:
    found = model_document(ModelConfig(path=str(folder), **settings), Path())
    validate(found, "run_model")
    return found


def test_a_model_from_scratch_is_made_from_no_file() -> None:
    assert model_document(ModelConfig(), Path("nowhere"))["files"] == []


def test_every_file_that_is_read_has_its_digest(folder: Path, opened: set[str]) -> None:
    loaded(folder)
    assert opened, "the hook hears"
    digests = model_digests(document(folder))
    assert set(digests) == {"config.json", "generation_config.json", "model.safetensors"}
    assert opened <= set(digests)
    assert digests == {name: file_sha256(folder / name)[0] for name in digests}


def test_links_are_followed_as_the_library_follows_them(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert document(tmp_path) == document(folder)


def test_shards_and_their_index_are_all_there(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "config.json", tmp_path)
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"%d" % number)
    index = {"weight_map": {"a": names[1], "b": names[0], "c": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert set(model_digests(document(tmp_path))) == {"config.json", "model.safetensors.index.json", *names}


def test_of_gguf_the_file_alone_counts(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "config.json", tmp_path)
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    (tmp_path / "b.gguf").write_bytes(b"GGUF too")
    assert set(model_digests(document(tmp_path, gguf="a.gguf"))) == {"a.gguf"}


@pytest.mark.parametrize("gguf", ["", "a.gguf"])
def test_an_adapter_beside_a_model_is_refused(folder: Path, tmp_path: Path, gguf: str) -> None:
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere"}')
    with pytest.raises(UsageError, match=r"adapter_config\.json\) beside a model; move it away"):
        document(tmp_path, gguf=gguf)
