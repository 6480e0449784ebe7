from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

from codex_evidence.errors import CodexError, UsageError
from codex_train.config.nouns import TokenizerConfig
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.tokenization.bytes import byte_tokenizer
from codex_train.tokenization.files import write_files
from codex_train.tokenization.load import load_encoder, write_tokenizer
from codex_train.tokenization.train import END, Recipe, tokenizer_files, train_tokenizer

TEXTS = ["the cat sat on the mat, and the dog on the log.\n" * 40, "naïve façade: ünïcode\n" * 20]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tokenizer_files(train_tokenizer(TEXTS, Recipe(size=300)), "bpe"), tmp_path / "t")
    return tmp_path / "t"


def load(path: Path | str) -> Encoder:
    return load_encoder(TokenizerConfig(path=str(path)), Path.cwd())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_written_byte_tokenizer_gives_the_bytes_and_takes_them_back(text: str) -> None:
    tokenizer = byte_tokenizer()
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert ids == list(text.encode())
    assert tokenizer.decode(ids) == text


def test_bytes_are_written_so_that_transformers_and_we_load_them(tmp_path: Path) -> None:
    write_tokenizer(ByteEncoder(), tmp_path)
    text = "Ā is not the end: é 漢 👍\n"
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert theirs(text)["input_ids"] == list(text.encode())
    assert theirs.decode(list(text.encode())) == text
    assert load(tmp_path) == ByteEncoder()


def test_a_folder_gives_what_transformers_gives(folder: Path) -> None:
    encoder, theirs = load(folder), AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for text in ("", "the cat", "unseen \U0001f40d\n", *TEXTS):
        ids = encoder.encode(text)
        assert isinstance(ids, np.ndarray)
        assert ids.dtype == np.int64
        assert ids.tolist() == theirs(text, add_special_tokens=False)["input_ids"]
        assert encoder.decode(ids.tolist()) == text
    assert (encoder.size, encoder.end) == (len(theirs), theirs.eos_token_id)
    assert encoder.pad == theirs.pad_token_id


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_byte_level_bpe(text: str) -> None:
    encoder = BPE
    assert encoder.decode([int(one) for one in encoder.encode(text)]) == text.replace(END, "")


def _bpe() -> Encoder:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        write_files(tokenizer_files(train_tokenizer(TEXTS, Recipe(size=300)), "bpe"), Path(place))
        return load(place)


BPE = _bpe()


def test_a_tokenizer_that_cuts_and_fills_does_neither_to_a_corpus(folder: Path) -> None:
    plain = load(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(folder / "tokenizer.json"))
    encoder = load(folder)
    assert encoder.encode(TEXTS[0]).tolist() == plain.encode(TEXTS[0]).tolist()  # type: ignore[union-attr]
    assert encoder.digest == plain.digest


def test_no_special_token_is_put_around_a_text(folder: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = TemplateProcessing(single=f"{END} $A {END}", special_tokens=[(END, 0)])
    tokenizer.save(str(folder / "tokenizer.json"))
    assert 0 not in load(folder).encode("the cat")


def test_copies_have_one_digest_and_any_change_another(folder: Path, tmp_path: Path) -> None:
    encoder = load(folder)
    write_tokenizer(encoder, tmp_path / "copy")
    assert load(tmp_path / "copy").digest == encoder.digest
    assert load(tmp_path / "copy" / "tokenizer.json").digest == encoder.digest
    settings = json.loads((tmp_path / "copy" / "tokenizer_config.json").read_text())
    settings["eos_token"] = "the"
    (tmp_path / "copy" / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load(tmp_path / "copy").digest != encoder.digest
    document = json.loads((tmp_path / "copy" / "tokenizer.json").read_text())
    document["pre_tokenizer"]["add_prefix_space"] = True
    (tmp_path / "copy" / "tokenizer.json").write_text(json.dumps(document))
    write_files({"tokenizer_config.json": (folder / "tokenizer_config.json").read_bytes()}, tmp_path / "copy")
    assert load(tmp_path / "copy").digest != encoder.digest


def lone(folder: Path, words: list[str]) -> Path:
    """A tokenizer.json with these words and nothing beside it."""
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=words[0])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_the_end_is_found_in_settings_then_in_the_model_then_by_a_usual_name(tmp_path: Path) -> None:
    folder = lone(tmp_path / "t", ["[UNK]", "a", "</s>", "stop", "halt"])
    assert load(folder).end == 2
    (folder / "config.json").write_text('{"eos_token_id": [3, 4]}')
    assert load(folder).end == 3
    (folder / "tokenizer_config.json").write_text('{"eos_token": {"content": "halt"}, "pad_token": null}')
    encoder = load(folder)
    assert (encoder.end, encoder.pad) == (4, 4)


def test_a_tokenizer_without_an_end_says_how_to_give_it_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"eos_token in tokenizer_config\.json"):
        load(lone(tmp_path / "t", ["[UNK]", "a"]))


def test_settings_as_transformers_writes_them_are_read(folder: Path, tmp_path: Path) -> None:
    AutoTokenizer.from_pretrained(folder, local_files_only=True).save_pretrained(tmp_path / "theirs")
    assert "10000000000000" in (tmp_path / "theirs" / "tokenizer_config.json").read_text()
    assert load(tmp_path / "theirs").end == load(folder).end
    (tmp_path / "theirs" / "tokenizer_config.json").write_text("[" * 100_000)
    with pytest.raises(CodexError, match=r"tokenizer_config\.json"):
        load(tmp_path / "theirs")


def test_a_path_counts_from_the_base(folder: Path) -> None:
    assert load_encoder(TokenizerConfig(path=folder.name), folder.parent).digest == load(folder).digest
    assert load_encoder(TokenizerConfig(), folder) == ByteEncoder()


def test_ids_beyond_the_vocabulary_are_refused(folder: Path) -> None:
    encoder = load(folder)
    for wrong in (-1, encoder.size, 10**12):
        with pytest.raises(UsageError, match=f"0 to {encoder.size - 1}"):
            encoder.decode([1, wrong])


@pytest.mark.parametrize("damage", ["{", "[]", "", '{"version": "1.0"}', "\x00\x01"])
def test_a_damaged_file_is_one_line_that_names_it(folder: Path, damage: str) -> None:
    (folder / "tokenizer.json").write_text(damage)
    with pytest.raises(CodexError) as caught:
        load(folder)
    assert caught.value.exit_code == 2
    assert "tokenizer.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said_with_a_way_out(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match="codex-train tokenizer train"):
            load(path)


def test_code_beside_a_tokenizer_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass T: pass\n")
    settings = {"tokenizer_class": "T", "auto_map": {"AutoTokenizer": ["evil.T", None]}}
    (tmp_path / "t" / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(CodexError):
        load(tmp_path / "t")
    assert not (tmp_path / "ran").exists()


def test_encoding_needs_no_transformers(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from codex_train.config.nouns import TokenizerConfig\n"
        "from codex_train.tokenization.load import load_encoder\n"
        "load_encoder(TokenizerConfig(path=sys.argv[1]), Path()).encode('the cat')\n"
        "assert 'transformers' not in sys.modules and 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
