"""The cache of packed tokens: what is in it is right, or it is made again."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codex_train.config.nouns import BadRecords
from codex_train.data import sides
from codex_train.data.blocks import Blocks
from codex_train.data.encoder import ByteEncoder
from codex_train.data.files import find_sources
from codex_train.data.pack import cache_folder, cache_key
from tests.data.corpora import (
    INSTRUCTIONS,
    finish,
    packed_files,
    pairs,
    prepared,
    settings,
    start,
    write,
)

FOREIGN = 65534


def same(one: Blocks | None, other: Blocks | None) -> bool:
    if one is None or other is None:
        return one is other
    masks = zip((one.starts, one.ends), (other.starts, other.ends), strict=True)
    return (
        np.array_equal(one.tokens, other.tokens)
        and np.array_equal(one.lengths, other.lengths)
        and one.digest == other.digest
        and all(a is b if a is None or b is None else np.array_equal(a, b) for a, b in masks)
    )


def replace(path: Path, content: bytes | bytearray) -> None:
    """``path`` with other content, in another file: blocks that are in use have the former one mapped."""
    path.unlink()
    path.write_bytes(content)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write(tmp_path, a__txt="".join(f"sentence {number}. " for number in range(300)))
    write(tmp_path, p__jsonl=pairs(*((f"q{number}", f"a{number}") for number in range(50))))
    return tmp_path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="codex-train-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_second_preparation_packs_nothing(corpus: Path) -> None:
    first = prepared(corpus, "a.txt", validation=0.2)
    before = [(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in packed_files(corpus)]
    second = prepared(corpus, "a.txt", validation=0.2)
    assert [(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in packed_files(corpus)] == before
    assert [path.name for path, *_ in before] == ["pack.json", "train.tokens", "validation.tokens"]
    assert same(first.train, second.train) and same(first.validation, second.validation)
    assert first.manifest == second.manifest


@pytest.mark.parametrize("kind", ["text", "pairs"])
def test_a_flipped_bit_anywhere_is_mended(corpus: Path, kind: str) -> None:
    name, more = ("a.txt", {}) if kind == "text" else ("p.jsonl", {"format": INSTRUCTIONS})
    first = prepared(corpus, name, validation=0.2, **more)
    for path in packed_files(corpus):
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 2):
            damaged = bytearray(whole)
            damaged[at] ^= 1
            replace(path, damaged)
            second = prepared(corpus, name, validation=0.2, **more)
            assert same(first.train, second.train) and same(first.validation, second.validation)
            assert first.manifest == second.manifest
            assert path.read_bytes() == whole


def test_a_missing_longer_or_shorter_file_is_mended(corpus: Path) -> None:
    first = prepared(corpus, "a.txt", validation=0.2)
    for path in packed_files(corpus):
        whole = path.read_bytes()
        for content in (None, whole + b"\0", whole[:-2], b""):
            path.unlink() if content is None else replace(path, content)
            assert same(prepared(corpus, "a.txt", validation=0.2).train, first.train)
            assert path.read_bytes() == whole


def test_a_forged_record_cannot_claim_other_tokens(corpus: Path) -> None:
    first = prepared(corpus, "a.txt")
    record, tokens = packed_files(corpus)
    replace(tokens, tokens.read_bytes()[::-1])
    document = json.loads(record.read_bytes())
    document["packing"]["train"]["blocks"] -= 1
    record.write_text(json.dumps(document))
    assert same(prepared(corpus, "a.txt").train, first.train)


KEY_CHANGES: dict[str, dict[str, Any]] = {
    "context": {"context": 16},
    "validation": {"validation": 0.5},
    "separator": {"separator": "---"},
    "bad records": {"bad_records": BadRecords.count},
    "text key": {"text_key": "body"},
}


@pytest.mark.parametrize("change", KEY_CHANGES)
def test_whatever_decides_a_token_is_in_the_key(corpus: Path, change: str) -> None:
    def key(**more: object) -> str:
        config = settings("a.txt", **more)
        return cache_key(find_sources(config.files, corpus, folders=False), config, ByteEncoder())

    assert key(**KEY_CHANGES[change]) != key()
    assert key(noise=0.5, workers=3, licence="MIT", source="here", cache="there") == key()
    before = key()
    (corpus / "a.txt").write_text("another text")
    assert key() != before


def test_the_same_text_in_another_place_needs_no_packing(corpus: Path) -> None:
    prepared(corpus, "a.txt")
    (corpus / "b.txt").write_bytes((corpus / "a.txt").read_bytes())
    prepared(corpus, "b.txt")
    assert len(packed_files(corpus)) == 2


def test_blocks_do_not_depend_on_how_much_is_copied_at_once(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(corpus, "a.txt", validation=0.2)
    monkeypatch.setattr(sides, "_CHUNK", 20)
    second = prepared(corpus, "a.txt", validation=0.2, cache="another")
    assert same(first.train, second.train) and same(first.validation, second.validation)


def test_two_processes_pack_the_same_corpus_at_once(corpus: Path) -> None:
    config = settings("a.txt", validation=0.2)
    done = [finish(process) for process in [start(corpus, config) for _ in range(3)]]
    assert [code for code, *_ in done] == [0, 0, 0], done
    assert len({out for _, out, _ in done}) == 1
    assert [path.name for path in packed_files(corpus)] == ["pack.json", "train.tokens", "validation.tokens"]


def test_what_a_killed_process_left_does_not_stay(corpus: Path) -> None:
    config = settings("a.txt")
    place = (
        corpus / "cache" / cache_key(find_sources(["a.txt"], corpus, folders=False), config, ByteEncoder())
    )
    place.mkdir(parents=True)
    (place / ".codex-pack-0123").write_bytes(b"half")
    (place / "train.tokens").write_bytes(b"of another time")
    prepared(corpus, "a.txt")
    assert [path.name for path in packed_files(corpus)] == ["pack.json", "train.tokens"]


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 0.4])
def test_a_process_killed_at_any_time_does_no_harm(corpus: Path, seconds: float) -> None:
    (corpus / "a.txt").write_text("".join(f"sentence {number}. " for number in range(300_000)))
    process = start(corpus, settings("a.txt", context=64))
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = prepared(corpus, "a.txt", context=64)
    assert same(done.train, prepared(corpus, "a.txt", context=64, cache="another").train)


@pytest.mark.parametrize("limit", [0, 1000, 20_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(corpus: Path, limit: int) -> None:
    def full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    (corpus / "a.txt").write_text("".join(f"sentence {number}. " for number in range(1800)))
    code, _, error = finish(start(corpus, settings("a.txt", validation=0.2), full_disk))
    assert code == 1
    assert re.fullmatch(
        r"WriteError: cannot keep packed tokens in .*: File too large; make room, or name another folder in "
        r"data\.cache\n",
        error,
    )
    assert packed_files(corpus) == []
    assert prepared(corpus, "a.txt", validation=0.2).manifest["documents"] == 1


def test_a_folder_without_permission_is_one_line(open_folder: Path) -> None:
    write(open_folder, a__txt="some text to pack")
    (open_folder / "cache").mkdir(mode=0o555)
    code, _, error = finish(start(open_folder, settings("a.txt"), user=FOREIGN))
    assert code == 1
    assert re.fullmatch(
        r"WriteError: cannot keep packed tokens in .*: Permission denied; .*data\.cache\n", error
    )


def test_packed_tokens_in_a_read_only_folder_are_used(open_folder: Path) -> None:
    write(open_folder, a__txt="some text to pack")
    mine = prepared(open_folder, "a.txt")
    for path in [*packed_files(open_folder), *(open_folder / "cache").iterdir(), open_folder / "cache"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    code, out, error = finish(start(open_folder, settings("a.txt"), user=FOREIGN))
    assert code == 0, error
    assert json.loads(out)[0] == mine.manifest
    (open_folder / "cache").chmod(0o755)


def test_a_file_where_the_cache_should_be_is_one_line(corpus: Path) -> None:
    (corpus / "cache").write_text("")
    code, _, error = finish(start(corpus, settings("a.txt")))
    assert code == 1 and error.startswith("WriteError: cannot keep packed tokens") and error.count("\n") == 1


def test_the_cache_lies_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder(settings(cache=""), tmp_path) == Path("/home/somebody/.cache/codex-train")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder(settings(cache=""), tmp_path) == Path("/caches/codex-train")
    assert cache_folder(settings(cache="here"), tmp_path) == tmp_path / "here"
