"""Reading documents of each format, good and hostile."""

from __future__ import annotations

import codecs
import json
import re
import resource
from pathlib import Path

import pytest

from codex_evidence.errors import UnreadableError, UsageError
from codex_train.config.nouns import BadRecords
from codex_train.data import text as text_room
from codex_train.data.corpus import Document, Tally, documents
from codex_train.data.files import find_sources
from tests.data.corpora import INSTRUCTIONS, JSONL, finish, lines, pairs, prepared, settings, start, write

COUNT = {"bad_records": BadRecords.count}


def read(base: Path, *files: str, **more: object) -> list[Document]:
    config = settings(*files, **more)
    sources = find_sources(config.files, base, folders=False)
    items = documents(sources, config, Tally(sources, config.bad_records))
    return [item for item in items if isinstance(item, Document)]


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one\n\ntwo\r\n", b__txt="drei\u00df")
    assert [item.text for item in read(tmp_path, "*.txt")] == ["one\n\ntwo\r\n", "drei\u00df"]


def test_a_separator_line_parts_documents(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one\n---\ntwo --- two\r\n---\r\n---\n----\nthree\n---\n")
    found = read(tmp_path, "a.txt", separator="---")
    assert [(item.text, item.line) for item in found] == [
        ("one\n", 1),
        ("two --- two\r\n", 3),
        ("----\nthree\n", 6),
    ]


def test_a_separator_of_two_lines_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one")
    with pytest.raises(UsageError, match=r"data\.separator holds a line break"):
        read(tmp_path, "a.txt", separator="-\n-")


@pytest.mark.parametrize("separator", ["", "---"])
def test_a_long_document_comes_in_parts_that_are_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str
) -> None:
    monkeypatch.setattr(text_room, "PIECE", 50)
    text = "".join(f"line {number} \u20ac\n" for number in range(100)) + "\u20ac" * 200 + "\nend"
    write(tmp_path, a__txt=text)
    found = read(tmp_path, "a.txt", separator=separator)
    assert "".join(item.text for item in found) == text
    assert [item.last for item in found] == [False] * (len(found) - 1) + [True]
    assert max(len(item.text.encode()) for item in found) <= 101
    starts = [item.line for item in found]
    assert starts == sorted(starts) and starts[1] > 1


def test_records_of_jsonl(tmp_path: Path) -> None:
    write(
        tmp_path, a__jsonl=lines({"text": "one", "id": 2**80}, {"id": None, "text": "zwei \u00fc"}) + "\n \n"
    )
    assert [(item.text, item.line) for item in read(tmp_path, "a.jsonl", format=JSONL)] == [
        ("one", 1),
        ("zwei \u00fc", 2),
    ]


def test_prompts_and_answers_under_other_keys(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl=lines({"q": "2+2", "a": "4"}))
    (found,) = read(tmp_path, "a.jsonl", format=INSTRUCTIONS, prompt_key="q", answer_key="a")
    assert (found.text, found.answer) == ("2+2", "4")


BAD_LINES = {
    b"{": "no JSON at column 2",
    b'{"text": "a"} x': "no JSON at column 15",
    b"[1]": "no JSON object but a array",
    b"null": "no JSON object but a null",
    b'{"txt": "a"}': "no key 'text'; the nearest is 'txt'",
    b"{}": "no key 'text'",
    b'{"text": 5}': "'text' holds no text but a number",
    b'{"text": null}': "'text' holds no text but a null",
    b'{"text": "a", "text": "b"}': "a key stands twice",
    b'{"text": "a", "x": NaN}': "NaN is no JSON",
    b'{"text": "\\u0000"}': "'text' holds a NUL",
    b'{"text": "\\ud800"}': "'text' holds half of a surrogate pair",
    b'{"text": "\x00"}': "NUL at byte",
    b'{"text": "\xe9"}': r"not UTF-8 at byte \d+ \(0xe9\)",
    b'{"text": ' + b"[" * 100_000: "nested too deeply",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: repr(line[:20]))
def test_a_bad_record_is_named_by_line(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, a__jsonl=b'{"text": "good"}\n' + line + b"\n" + b'{"text": "more"}\n')
    with pytest.raises(
        UnreadableError, match=rf"a\.jsonl:2: .*{BAD_LINES[line]}.*data\.bad_records=count"
    ) as caught:
        read(tmp_path, "a.jsonl", format=JSONL)
    assert "\n" not in str(caught.value)
    assert [item.text for item in read(tmp_path, "a.jsonl", format=JSONL, **COUNT)] == ["good", "more"]


BAD_FILES = {
    "latin-1": ("caf\u00e9 noir".encode("latin-1"), r"not UTF-8 at byte 3 \(0xe9\)"),
    "utf-16": ("one".encode("utf-16"), "starts with a UTF-16 byte order mark"),
    "utf-16 without mark": ("one".encode("utf-16-le"), "NUL at byte 1"),
    "utf-32": (codecs.BOM_UTF32_LE + "one".encode("utf-32-le"), "starts with a UTF-32 byte order mark"),
    "mark": (codecs.BOM_UTF8 + b"one", "starts with a UTF-8 byte order mark"),
    "NUL": (b"one\x00two", "NUL at byte 3"),
    "cut character": ("one\u20ac".encode()[:-1], r"not UTF-8 at byte 3 \(0xe2\)"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bytes_that_are_no_text_are_refused_or_left_out(tmp_path: Path, name: str) -> None:
    data, message = BAD_FILES[name]
    write(tmp_path, a__txt=data, b__txt="some good text")
    with pytest.raises(UnreadableError, match=rf"a\.txt:1: {message}"):
        prepared(tmp_path, "*.txt")
    done = prepared(tmp_path, "*.txt", **COUNT)
    assert (done.manifest["documents"], done.manifest["bad_records"]) == (1, 1)
    assert len(done.notes) == 1 and re.search(rf"left out .*a\.txt:1: {message}", done.notes[0])
    assert bytes(done.train.tokens.astype("u1").tobytes()) == b"some goo"


def test_a_document_that_goes_bad_late_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_room, "PIECE", 16)
    bad = b"fine line\n" * 10 + b"not fine \xff\n" + b"fine again\n" * 10
    write(tmp_path, a__txt=b"first text\n---\n" + bad + b"---\nlast text\n")
    done = prepared(tmp_path, "a.txt", separator="---", context=2, **COUNT)
    assert done.train.tokens.astype("u1").tobytes() == b"first text\n\0last text\n"[:22]
    assert (done.manifest["records"], done.manifest["documents"], done.manifest["bad_records"]) == (3, 2, 1)
    assert "not UTF-8 at byte 124" in done.notes[0]


def test_bad_records_are_told_ten_at_most(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl="x\n" * 25 + lines({"text": "long enough"}))
    done = prepared(tmp_path, "a.jsonl", format=JSONL, **COUNT)
    assert done.manifest["bad_records"] == 25
    assert done.notes[-1] == "left out 15 more bad records"
    assert len(done.notes) == 11


def test_a_line_of_200_megabytes_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(lines({"text": "before it"}).encode())
        file.write(b'{"text": "')
        for _ in range(200):
            file.write(b"x" * 2**20)
        file.write(b'"}\n' + lines({"text": "after it"}).encode())

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20,) * 2)

    refusing = finish(start(tmp_path, settings("a.jsonl", format=JSONL), little_memory))
    counting = finish(start(tmp_path, settings("a.jsonl", format=JSONL, **COUNT), little_memory))
    assert refusing[0] == 1
    assert re.fullmatch(
        r"UnreadableError: .*a\.jsonl:2: a line longer than 64 MiB; split the record .*\n", refusing[2]
    )
    assert counting[0] == 0, counting[2]
    assert json.loads(counting[1])[0]["files"][0]["documents"] == 2


def test_a_corpus_without_a_document_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a__txt="", b__txt="")
    with pytest.raises(UsageError, match=r"the corpus is empty: no document in .*a\.txt and 1 more"):
        prepared(tmp_path, "*.txt")
    write(tmp_path, a__jsonl=lines({"text": ""}, {"text": ""}))
    with pytest.raises(UsageError, match=r"no document in .*a\.jsonl \(0 bad, 2 empty records\)"):
        prepared(tmp_path, "a.jsonl", format=JSONL)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a__txt="before")
    config = settings("a.txt")
    sources = find_sources(config.files, tmp_path, folders=False)
    write(tmp_path, a__txt="after!")
    with pytest.raises(UnreadableError, match=r"a\.txt changed while it was read"):
        list(documents(sources, config, Tally(sources, config.bad_records)))


def test_answers_without_room_or_text_are_bad(tmp_path: Path) -> None:
    write(tmp_path, a__jsonl=pairs(("ok", "yes"), ("a long prompt", "x"), ("no answer", "")))
    with pytest.raises(UnreadableError, match=r"a\.jsonl:2: no room for an answer: the prompt has 13 tokens"):
        prepared(tmp_path, "a.jsonl", format=INSTRUCTIONS)
    done = prepared(tmp_path, "a.jsonl", format=INSTRUCTIONS, **COUNT)
    assert (done.manifest["documents"], done.manifest["bad_records"]) == (1, 2)
    assert done.manifest["files"][0] | {"sha256": ""} == {
        "path": "a.jsonl",
        "size": (tmp_path / "a.jsonl").stat().st_size,
        "sha256": "",
        "records": 3,
        "documents": 1,
    }
    assert "the answer is empty" in done.notes[1]
