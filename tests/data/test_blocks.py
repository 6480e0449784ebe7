"""Batches: what is in them, and what they cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.data.blocks import IGNORED, Blocks
from codex_train.data.encoder import ByteEncoder
from codex_train.data.order import order
from codex_train.data.prepare import prepare
from codex_train.data.transforms import Noise
from tests.data import corpora
from tests.data.corpora import INSTRUCTIONS, PACKAGE_ROOT, pairs, prepared, write
from tests.data.words import WordEncoder


def some_blocks(n: int = 50, context: int = 32, noise: Noise | None = None) -> Blocks:
    tokens = np.arange(n * context, dtype=np.uint16).reshape(n, context) % 251
    return Blocks(tokens, np.full(n, context - 1, np.int32), "", noise=noise)


def test_text_is_cut_into_blocks_with_an_end_between_documents(tmp_path: Path) -> None:
    write(tmp_path, a__txt="abcdefghij", b__txt="klmno")
    blocks = prepared(tmp_path, "*.txt", context=4).train
    batch = blocks.take(np.array([0, 1, 2, 3]), epoch=0)
    assert batch.input_ids.dtype == batch.labels.dtype == torch.int64
    rows = [bytes(row) for row in batch.input_ids.tolist()]
    assert rows == [b"abcd", b"efgh", b"ij\0k", b"lmno"]
    assert torch.equal(batch.input_ids, batch.labels)
    assert (len(blocks), blocks.context) == (4, 4)
    assert blocks.targets(np.array([0, 2])) == 6
    assert [blocks.bytes_of(np.array([number])) for number in range(4)] == [3, 3, 2, 3]
    with pytest.raises(IndexError):
        blocks.take(np.array([4]), epoch=0)


def test_prompts_are_masked_and_rows_padded(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl=pairs(("ab", "cd"), ("abcdef", "ghi"), ("", "xy")))
    done = prepared(tmp_path, "a.jsonl", format=INSTRUCTIONS)
    batch = done.train.take(np.array([0, 1, 2]), epoch=0)
    assert [bytes(row) for row in batch.input_ids.tolist()] == [
        b"abcd\0\0\0\0",
        b"abcdefgh",
        b"xy\0\0\0\0\0\0",
    ]
    none = IGNORED
    assert batch.labels.tolist() == [
        [none, none, 99, 100, 0, none, none, none],  # the answer and the end of the document
        [none, none, none, none, none, none, 103, 104],  # an answer that is cut
        [none, 121, 0, none, none, none, none, none],  # nothing comes before a first token
    ]
    for row in range(3):
        ids = np.array([row])
        assert done.train.targets(ids) == int((done.train.take(ids, 0).labels[:, 1:] != none).sum())
    assert done.train.bytes_of(np.array([0, 1, 2])) == 2 + 2 + 1
    assert done.manifest["cut_records"] == 1
    assert done.notes == ("cut 1 answers that are longer than data.context",)


def test_a_large_vocabulary_has_wider_tokens_and_bytes_of_its_own(tmp_path: Path) -> None:
    text = " ".join(f"w\u00f6rd{number}" for number in range(64))
    write(tmp_path, a__txt=text)
    encoder = WordEncoder()
    encoder.encode(text)  # so that it knows the words
    blocks = prepare(corpora.settings("a.txt"), tmp_path, encoder, seed=0).train
    assert blocks.tokens.dtype == np.uint32
    words = [f" w\u00f6rd{number}" for number in range(64)]
    for number in range(8):
        targets = words[8 * number + 1 : 8 * number + 8]
        assert blocks.bytes_of(np.array([number])) == len("".join(targets).encode())
    assert encoder.decode(blocks.tokens.ravel().tolist()) == text


def test_an_id_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one two three four five")
    with pytest.raises(UsageError, match="gives id 4 but says that it has 3 ids"):
        prepare(corpora.settings("a.txt"), tmp_path, WordEncoder(size=3), seed=0)


NOISE = Noise(0.3, 256, seed=5)


@given(
    ids=st.lists(st.integers(0, 49), min_size=1, max_size=20),
    cut=st.integers(0, 20),
    epoch=st.integers(0, 99),
)
@settings(max_examples=50)
def test_noise_is_the_same_however_samples_are_grouped(ids: list[int], cut: int, epoch: int) -> None:
    blocks = some_blocks(noise=NOISE)
    together = blocks.take(np.array(ids), epoch).input_ids
    parts = [part for part in (ids[:cut], ids[cut:]) if part]
    apart = torch.cat([blocks.take(np.array(part), epoch).input_ids for part in parts])
    assert torch.equal(together, apart)


def test_noise_replaces_its_share_and_leaves_labels() -> None:
    clean, noisy = some_blocks(200, 256), some_blocks(200, 256, NOISE)
    ids = np.arange(200)
    before, after = clean.take(ids, 0), noisy.take(ids, 0)
    changed = (before.input_ids != after.input_ids).double().mean().item()
    assert 0.29 < changed / (255 / 256) < 0.31
    assert torch.equal(after.labels, before.labels)
    drawn = after.input_ids[before.input_ids != after.input_ids]
    assert (int(drawn.min()), int(drawn.max())) == (0, 255)
    assert not torch.equal(after.input_ids, noisy.take(ids, 1).input_ids)


def test_noise_is_this_for_ever() -> None:
    rows = np.zeros((1, 8), np.int64)
    assert Noise(0.5, 1000, seed=1).apply(rows, np.array([3]), epoch=2).tolist() == [NOISE_1_2_3]


def test_noise_touches_no_generator_of_the_process() -> None:
    states = (torch.get_rng_state(), np.random.get_state()[1].copy())  # type: ignore[index]
    some_blocks(noise=NOISE).take(np.arange(8), 0)
    order(0, 0, 100)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # type: ignore[index]


def test_noise_is_for_training_alone(tmp_path: Path) -> None:
    write(tmp_path, a__txt="abcdefgh" * 100)
    done = prepare(
        corpora.settings("a.txt", noise=0.5, validation=0.3, context=7), tmp_path, ByteEncoder(), seed=0
    )
    assert done.validation is not None and done.validation.noise is None
    assert done.train.noise == Noise(0.5, 256, 0)


def test_torch_is_loaded_by_the_first_batch_and_not_before(tmp_path: Path) -> None:
    write(tmp_path, a__txt="abcdefgh" * 10)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from tests.data.corpora import prepared\n"
        f"blocks = prepared(Path({str(tmp_path)!r}), 'a.txt').train\n"
        "assert 'torch' not in sys.modules\n"
        "blocks.take(np.array([0]), 0)\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE_ROOT, timeout=60)


NOISE_1_2_3: list[int] = [0, 0, 0, 244, 413, 928, 261, 0]
