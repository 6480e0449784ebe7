from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from codex_evidence.errors import UsageError
from codex_train.config.nouns import TokenizerConfig
from codex_train.tokenization.files import write_files
from codex_train.tokenization.load import load_encoder
from codex_train.tokenization.train import END, KINDS, Recipe, tokenizer_files, train_tokenizer
from codex_train.tokenization.unigram import _digamma, count_words, train_unigram
from codex_train.tokenization.wordpiece import train_wordpiece
from tests.tokenization.invented import TEXTS, corpus

PROGRAM = """
import sys, hashlib
from tests.tokenization.invented import TEXTS
from codex_train.tokenization.train import Recipe, train_tokenizer, tokenizer_files
files = tokenizer_files(train_tokenizer(TEXTS, Recipe(kind=sys.argv[1], size=420)), sys.argv[1])
print(hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_other_processes_with_other_threads_make_the_same_file(kind: str) -> None:
    root = Path(__file__).parents[2]
    digests = set()
    for threads, hashes in (("1", "0"), ("2", "1")):
        environment = os.environ | {
            "RAYON_NUM_THREADS": threads,
            "PYTHONHASHSEED": hashes,
            "PYTHONPATH": str(root),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kind],
            capture_output=True,
            text=True,
            cwd=root,
            env=environment,
            check=True,
        )
        digests.add(done.stdout.strip())
    files = tokenizer_files(train_tokenizer(iter(TEXTS), Recipe(kind=kind, size=420)), kind)
    digests.add(hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_it_loads_everywhere_and_has_the_size_that_was_asked_for(kind: str, tmp_path: Path) -> None:
    recipe = Recipe(kind=kind, size=420, special=("<|user|>", "<|bot|>"))
    write_files(tokenizer_files(train_tokenizer(TEXTS, recipe), kind), tmp_path)
    encoder = load_encoder(TokenizerConfig(path=str(tmp_path)), tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert encoder.size == len(theirs) <= 420
    assert encoder.size > 300
    assert encoder.end == theirs.eos_token_id == 0
    for text in (TEXTS[0], "<|user|>kalo<|bot|>", "never seen: ÿ 龍"):
        assert list(encoder.encode(text)) == theirs(text, add_special_tokens=False)["input_ids"]
    assert list(encoder.encode("<|user|>")) == [1]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_text_comes_back_as_it_was(kind: str, tmp_path: Path) -> None:
    write_files(tokenizer_files(train_tokenizer(TEXTS, Recipe(kind=kind, size=420)), kind), tmp_path)
    encoder = load_encoder(TokenizerConfig(path=str(tmp_path)), tmp_path)
    for text in ("", " ", "  a  b \n\n\tc ", "ÿ 龍 👍🏽 e\u0301", *TEXTS[:3]):
        assert encoder.decode([int(one) for one in encoder.encode(text)]) == text


@pytest.mark.parametrize("kind", KINDS)
def test_training_shortens_texts(kind: str) -> None:
    tokenizer = train_tokenizer(TEXTS, Recipe(kind=kind, size=600))
    unseen = " ".join(corpus()[3].split()[::-1])
    assert len(tokenizer.encode(unseen, add_special_tokens=False).ids) < len(unseen.encode()) / 2


def test_unigram_segments_about_as_well_as_the_library_does() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    theirs = Tokenizer(models.Unigram())
    theirs.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    theirs.train_from_iterator(iter(TEXTS), trainer)
    ours = train_tokenizer(TEXTS, Recipe(kind="unigram", size=300 + 257))
    text = "".join(TEXTS)
    count = len(ours.encode(text, add_special_tokens=False).ids)
    assert count <= 1.05 * len(theirs.encode(text, add_special_tokens=False).ids)


def test_a_long_text_without_a_break_is_no_trouble() -> None:
    for kind in KINDS:
        tokenizer = train_tokenizer(["ab" * 100_000], Recipe(kind=kind, size=300))
        assert tokenizer.get_vocab_size() > 2


def test_characters_of_private_use_and_of_other_planes_come_through_wordpiece() -> None:
    words = ["a\U000f0001", "\U000f0001a", "👍👍", "ab", "ab"] * 3
    pieces = train_wordpiece([words], 40, ["[UNK]"], 2)
    assert pieces["[UNK]"] == 0
    assert {"ab", "##\U000f0001", "\U000f0001", "👍", "##👍"} <= pieces.keys()
    assert sorted(pieces.values()) == list(range(len(pieces)))


@settings(max_examples=30)
@given(
    words=st.lists(st.text(st.sampled_from("abcd▁"), min_size=1, max_size=70), max_size=30),
    size=st.integers(-2, 40),
)
def test_unigram_keeps_to_its_size_and_spells_every_frequent_character(words: list[str], size: int) -> None:
    counts = count_words(words)
    assert sum(len(word) * count for word, count in counts.items()) == sum(map(len, words))
    learned = train_unigram(counts, size)
    pieces = [piece for piece, _ in learned]
    assert len(set(pieces)) == len(pieces) <= max(size, 0)
    assert all(np.isfinite(score) and score <= 0 for _, score in learned)
    characters = {char for word in words for char in word}
    if size >= len(characters):
        assert characters <= set(pieces)
    assert train_unigram(Counter(dict(reversed(counts.items()))), size) == learned


def test_the_digamma_function_is_right_to_ten_digits() -> None:
    import torch

    values = np.array([0.05, 0.5, 1.0, 3.7, 100.0, 1e6])
    np.testing.assert_allclose(
        _digamma(values), torch.special.digamma(torch.from_numpy(values)).numpy(), rtol=1e-9
    )


@pytest.mark.parametrize(
    ("recipe", "word"),
    [
        (Recipe(kind="morse"), "bpe, unigram, wordpiece"),
        (Recipe(size=256), "at least 257"),
        (Recipe(special=("a", "a")), "different"),
        (Recipe(special=(END,)), "there already"),
        (Recipe(special=("",)), "not empty"),
        (Recipe(least=0), "at least 1"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(recipe: Recipe, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        train_tokenizer(TEXTS, recipe)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_read_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="no text"):
        train_tokenizer(["", ""], Recipe(kind=kind))
