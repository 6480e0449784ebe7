"""What is held out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.data.blocks import Blocks
from codex_train.data.split import content_hash, held_out, held_out_some
from tests.data.corpora import INSTRUCTIONS, JSONL, lines, pairs, prepared, write

HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50)
SHARES = st.floats(0, 0.99)


def contents(blocks: Blocks | None) -> bytes:
    assert blocks is not None
    return blocks.tokens.astype("u1").tobytes()


def sentence(number: int) -> str:
    return f"document {number} says {number * 7919}."


@given(hashes=HASHES, share=SHARES)
def test_each_document_is_judged_on_its_own(hashes: list[int], share: float) -> None:
    mask = held_out(np.array(hashes, np.uint64), share)
    alone = [bool(held_out(np.array([one], np.uint64), share)[0]) for one in hashes]
    assert mask.tolist() == alone
    assert not held_out(np.array(hashes, np.uint64), 0.0).any()


@given(hashes=HASHES, share=st.floats(0.001, 0.99))
def test_both_sides_get_something_where_that_is_possible(hashes: list[int], share: float) -> None:
    array = np.array(hashes, np.uint64)
    if len(set(hashes)) == 1:
        with pytest.raises(UsageError, match=r"no two samples that differ"):
            held_out_some(array, share)
    else:
        mask = held_out_some(array, share)
        assert mask.any() and not mask.all()
        assert all(len({bool(mask[i]) for i in np.flatnonzero(array == one)}) == 1 for one in set(hashes))


def test_the_share_is_kept_on_average() -> None:
    hashes = np.array([content_hash([sentence(n).encode()]) for n in range(20_000)], np.uint64)
    assert abs(float(held_out(hashes, 0.1).mean()) - 0.1) < 0.01


def test_a_hash_is_of_the_content_and_not_of_its_parts() -> None:
    assert content_hash([b"ab", b"c"]) == content_hash([b"abc"]) == 0xBA7816BF8F01CFEA


def test_documents_keep_their_side_whatever_file_they_are_in(tmp_path: Path) -> None:
    texts = [sentence(number) for number in range(200)]
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    write(one, **{f"f{number:03}__txt": text for number, text in enumerate(texts)})
    random.Random(1).shuffle(texts)  # noqa: S311 - no secret
    write(other, a__jsonl=lines(*({"text": text} for text in texts[:90])))
    write(other, b__jsonl=lines(*({"text": text} for text in texts[90:])))
    shares = {"validation": 0.2, "context": 4}
    first, second = prepared(one, "*.txt", **shares), prepared(other, "*.jsonl", format=JSONL, **shares)
    assert first.manifest["split"]["unit"] == second.manifest["split"]["unit"] == "document"

    def documents(blocks: Blocks | None) -> set[bytes]:
        return set(contents(blocks).split(b"\0")[:-1])  # the last may have lost its end

    held = documents(first.validation)
    assert 20 < len(held) < 60
    assert not held & documents(first.train)
    assert len(documents(second.validation) ^ held) <= 2
    assert len(documents(second.train) ^ documents(first.train)) <= 2


def test_few_documents_are_split_by_blocks(tmp_path: Path) -> None:
    text = "".join(map(sentence, range(300)))
    write(tmp_path, a__txt=text[:5000], b__txt=text[5000:])
    done = prepared(tmp_path, "*.txt", validation=0.1)
    assert done.manifest["split"]["unit"] == "block"
    assert done.validation is not None
    assert len(done.train) + len(done.validation) == (len(text) + 1) // 8
    blocks = np.array(list((text[:5000] + "\0" + text[5000:]).encode())[: (len(text) + 1) // 8 * 8])
    wanted = [bytes(row.tolist()) for row in blocks.reshape(-1, 8)]
    train = contents(done.train)
    rows = {train[at : at + 8] for at in range(0, len(train), 8)}
    assert train == b"".join(row for row in wanted if row in rows)
    assert [done.manifest[part]["documents"] for part in ("train", "validation")] == [2, 2]


def test_documents_too_short_for_a_block_are_split_by_blocks(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl=lines(*({"text": str(number)} for number in range(30))))
    done = prepared(tmp_path, "a.jsonl", format=JSONL, validation=0.02, context=16)
    assert done.manifest["split"]["unit"] == "block"


def test_no_share_leaves_all_in_the_order_of_the_files(tmp_path: Path) -> None:
    texts = [sentence(number) for number in range(40)]
    write(tmp_path, **{f"f{number:03}__txt": text for number, text in enumerate(texts)})
    done = prepared(tmp_path, "*.txt")
    assert done.validation is None and done.manifest["validation"] is None
    whole = "\0".join(texts).encode()
    assert contents(done.train) == whole[: len(whole) // 8 * 8]
    assert done.manifest["train"]["documents"] == 40


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a__txt="seven b", b__txt="8" * 8)
    with pytest.raises(UsageError, match=r"the corpus has 7 tokens, which fill no block of data\.context=8"):
        prepared(tmp_path, "a.txt")
    with pytest.raises(UsageError, match=r"set data\.validation=0"):
        prepared(tmp_path, "b.txt", validation=0.5)
    assert len(prepared(tmp_path, "b.txt").train) == 1


def test_pairs_are_split_by_pair_also_when_they_are_few(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl=pairs(*((f"q{number}", f"a{number}") for number in range(5))))
    done = prepared(tmp_path, "a.jsonl", format=INSTRUCTIONS, validation=0.01)
    assert done.validation is not None
    assert (len(done.train), len(done.validation)) == (4, 1)
    assert done.manifest["split"]["unit"] == "document"
