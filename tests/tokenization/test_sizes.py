"""How many bytes tokens stand for: with them, bits per byte is exact or not given."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from codex_train.config.nouns import DataConfig, TokenizerConfig
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.data.prepare import Prepared, prepare
from codex_train.tokenization.files import write_files
from codex_train.tokenization.load import load_encoder
from codex_train.tokenization.sizes import token_sizes
from codex_train.tokenization.train import Recipe, tokenizer_files, train_tokenizer
from tests.tokenization.invented import TEXTS

CHINESE = "天地玄黃\uff0c宇宙洪荒。日月盈昃\uff0c辰宿列張。寒來暑往\uff0c秋收冬藏。閏餘成歲\uff0c律呂調陽。"
TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text("天地玄黃é漢👍🏽 \n\ta1.", max_size=200)


def made(kind: str, *, lowercase: bool = False) -> Encoder:
    with tempfile.TemporaryDirectory() as place:
        tokenizer = train_tokenizer(TEXTS, Recipe(kind=kind, size=600, lowercase=lowercase))
        write_files(tokenizer_files(tokenizer, kind), Path(place))
        return load_encoder(TokenizerConfig(path=place), Path.cwd())


BPE, UNIGRAM = made("bpe"), made("unigram")


@pytest.mark.parametrize("encoder", [BPE, UNIGRAM, ByteEncoder()], ids=["bpe", "unigram", "bytes"])
@given(text=TEXT)
def test_the_sizes_of_all_tokens_add_up_to_the_bytes_of_any_text(encoder: Encoder, text: str) -> None:
    sizes = encoder.sizes()
    assert sizes is not None
    assert sizes[encoder.encode(text)].sum() == len(text.encode())


def packed(base: Path, encoder: Encoder, text: str) -> Prepared:
    (base / "a.txt").write_text(text)
    return prepare(DataConfig(files=["a.txt"], context=8, validation=0, cache="cache"), base, encoder, 0)


@pytest.mark.parametrize("encoder", [BPE, UNIGRAM], ids=["bpe", "unigram"])
def test_a_corpus_whose_characters_are_split_has_its_own_bytes(tmp_path: Path, encoder: Encoder) -> None:
    text = CHINESE * 20
    done = packed(tmp_path, encoder, text)
    ids, sizes = [int(one) for one in encoder.encode(text)], encoder.sizes()
    assert sizes is not None
    targets = [one for at, one in enumerate(ids[: len(ids) // 8 * 8]) if at % 8]
    assert done.manifest["train"]["bytes"] == sum(int(sizes[one]) for one in targets)
    assert len(targets) > 300
    assert done.notes == ()


def test_what_a_tokenizer_does_not_keep_gives_no_bytes_and_says_so(tmp_path: Path) -> None:
    for encoder in (made("wordpiece"), made("bpe", lowercase=True)):
        assert encoder.sizes() is None
        done = packed(tmp_path, encoder, TEXTS[0])
        assert done.manifest["train"]["bytes"] == 0
        assert done.notes == (
            "no bits per byte: the tokens of this tokenizer do not add up to the bytes of the text",
        )


def test_a_text_with_more_or_fewer_bytes_than_its_tokens_gives_none(tmp_path: Path) -> None:
    """An end that is spelled out counts for nothing, and the mark of a space in a text would count as a space."""
    for encoder, text in ((BPE, "ka <|endoftext|> lo"), (UNIGRAM, "ka \u2581 lo")):
        assert packed(tmp_path, encoder, text + " tu" * 20).manifest["train"]["bytes"] == 0
        assert packed(tmp_path, encoder, "ka lo" + " tu" * 20).manifest["train"]["bytes"] > 0


def llama(*, prefix: bool) -> Tokenizer:
    """As SentencePiece's BPE with byte fallback is written down in tokenizer.json."""
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    words = ["<unk>", "</s>", *raw, "\u2581", "a", "b", "\u2581a", "ab"]
    merges = [("\u2581", "a"), ("a", "b")]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    front = [normalizers.Prepend("\u2581")] if prefix else []
    tokenizer.normalizer = normalizers.Sequence([*front, normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer


@given(text=TEXT.filter(lambda text: "\u2581" not in text))
def test_a_space_that_is_put_in_front_is_seen_in_the_sum(text: str) -> None:
    for tokenizer, more in ((llama(prefix=False), 0), (llama(prefix=True), 1)):
        sizes = token_sizes(tokenizer, 300)
        assert sizes is not None
        ids = tokenizer.encode(text).ids
        assert sizes[ids].sum() == len(text.encode()) + (more if text else 0)


def test_an_unknown_token_has_no_bytes() -> None:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0, byte_fallback=False))
    sizes = token_sizes(tokenizer, 2)
    assert sizes is not None and sizes.tolist() == [0, 1]


def test_a_tokenizer_of_words_has_no_sizes() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert token_sizes(tokenizer, 1) is None
