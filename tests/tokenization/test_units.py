"""Long texts are tokenized in units that give the tokens of the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer, pre_tokenizers

from codex_train.config.nouns import DataConfig
from codex_train.data import text, units
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.data.prepare import prepare
from codex_train.tokenization.load import TokenizerEncoder
from tests.data.corpora import PACKAGE_ROOT
from tests.tokenization.invented import TEXTS
from tests.tokenization.test_sizes import BPE, CHINESE, UNIGRAM, llama, made

PARTS = st.sampled_from(
    [
        "ka",
        "lo mi",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\n\n\n    ",
        ", ",
        ".",
        "天地",
        "\uff0c",
        "é",
        "x1",
        "'s",
        "\t",
        "=" * 90,
    ]
)
TEXT = st.lists(PARTS, max_size=400).map("".join)


def prefixed() -> Encoder:
    return TokenizerEncoder(llama(prefix=True), 300, 1, 1, "", {})


def newer() -> Encoder:
    """With the pattern that Llama 3 splits at, where line breaks go with what stands before them."""
    assert isinstance(BPE, TokenizerEncoder)
    tokenizer = Tokenizer.from_str(BPE.tokenizer.to_str())
    pattern = (
        r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    from tokenizers import Regex

    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return TokenizerEncoder(tokenizer, BPE.size, BPE.end, BPE.pad, "", {})


ENCODERS = {
    "bpe": BPE, "unigram": UNIGRAM, "wordpiece": made("wordpiece"), "prefix": prefixed(), "newer": newer(),
    "bytes": ByteEncoder()
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
@given(text=TEXT, size=st.integers(1, 900))
@example(text=CHINESE * 30, size=10_000)
@example(text="\n".join(TEXTS), size=300)
def test_units_give_the_tokens_of_the_whole(name: str, text: str, size: int) -> None:
    encoder = ENCODERS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "UNIT", 200)
        found = in_units(encoder, *(text[at : at + size] for at in range(0, len(text), size)))
    assert all(len(ids) for ids in found)
    whole = np.asarray(encoder.encode(text))
    assert np.array_equal(np.concatenate([whole[:0], *found]), whole)


def in_units(encoder: Encoder, *parts: str) -> list[NDArray[Any]]:
    tokenizing = units.Units(encoder)
    return [ids for part in (*parts, None) for ids in tokenizing.ids(part or "", last=part is None)]


@pytest.mark.parametrize("name", ENCODERS)
def test_how_a_file_is_read_decides_no_token_of_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join([*TEXTS, CHINESE]) * 3)
    monkeypatch.setattr(units, "UNIT", 200)
    packed = []
    for piece in (2**18, 90):
        monkeypatch.setattr(text, "PIECE", piece)
        config = DataConfig(files=["a.txt"], validation=0.0, context=8, cache=f"cache-{piece}")
        done = prepare(config, tmp_path, ENCODERS[name], 0)
        packed.append((done.train.digest, done.train.lengths.tolist()))
    assert packed[0] == packed[1]


def test_a_text_without_a_place_to_cut_is_cut_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT", 200)
    for encoder in ENCODERS.values():
        if encoder is not ENCODERS["wordpiece"]:
            ids = np.concatenate(in_units(encoder, "a" * 1001)).tolist()
            assert encoder.decode(ids).strip() == "a" * 1001 or encoder is ENCODERS["prefix"]


@pytest.mark.parametrize("part", ["the cat sat ", "a"])
def test_a_line_of_many_bytes_takes_little_memory(tmp_path: Path, part: str) -> None:
    """4 MiB at once took half a gibibyte."""
    from codex_train.tokenization.files import write_files

    assert isinstance(BPE, TokenizerEncoder)
    write_files(BPE.files, tmp_path / "t")
    (tmp_path / "a.txt").write_text(part * (2**22 // len(part)))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        capture_output=True, text=True, check=True, cwd=PACKAGE_ROOT,
    )  # fmt: skip
    assert int(done.stdout) < 200 * 2**20, done.stdout


_PROGRAM = """
import resource, sys
from pathlib import Path
from codex_train.config.nouns import DataConfig, TokenizerConfig
from codex_train.data.prepare import prepare
from codex_train.tokenization.load import load_encoder
base = Path(sys.argv[1])
encoder = load_encoder(TokenizerConfig(path="t"), base)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
prepare(DataConfig(files=["a.txt"], validation=0, cache="cache"), base, encoder, 0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
