from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from codex_train.data.encoder import ByteEncoder
from codex_train.tokenization.inspect import SAMPLE, difference, inspect

ROOT = Path(__file__).parents[2]
# The commands through a parser of their own, as the program makes one.
PROGRAM = """
import argparse, sys
from codex_evidence.errors import CodexError
from codex_train.commands import generate, tokenizer
assert not {"torch", "transformers", "tokenizers", "numpy"} & set(sys.modules)
parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
tokenizer.add_parser(commands); generate.add_parser(commands)
arguments = parser.parse_args()
try:
    sys.exit(arguments.command(arguments))
except CodexError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""


def codex(*words: str | Path, given: bytes = b"", code: int = 0, at: Path = ROOT) -> str:
    """What the command says on stdout, or on stderr when it fails as expected."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        input=given,
        capture_output=True,
        cwd=at,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == code, done.stderr.decode()
    return (done.stderr if code else done.stdout).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("command")
    (place / "a.txt").write_text("the cat sat on the mat\n" * 50)
    (place / "b.txt").write_text("the dog lay on the log, naïve\n" * 50)
    codex("tokenizer", "train", "*.txt", "--to", "t", "--size", "300", at=place)
    return place


def test_a_trained_tokenizer_is_inspected_and_has_one_digest_each_time(folder: Path) -> None:
    codex("tokenizer", "train", "a.txt", "b.txt", "--to", "again", "--size", "300", at=folder)
    assert (folder / "t" / "tokenizer.json").read_bytes() == (
        folder / "again" / "tokenizer.json"
    ).read_bytes()
    seen = json.loads(codex("tokenizer", "inspect", folder / "t", "--format", "json"))
    assert (seen["model"], seen["size"], seen["end"]) == ("BPE", 282, 0)  # no pair is left to merge
    assert seen["special"] == {"<|endoftext|>": 0}
    assert seen["difference"] == ""
    assert len(seen["digest"]) == 64
    assert "round trip    exact" in codex("tokenizer", "inspect", folder / "t", "--text", folder / "b.txt")


def test_what_is_encoded_is_decoded_to_the_byte(folder: Path) -> None:
    text = "the  cat\n\tnaïve 漢\n".encode()
    for which in (str(folder / "t"), "bytes"):
        ids = codex("tokenizer", "encode", which, given=text)
        assert codex("tokenizer", "decode", which, given=ids.encode()).encode() == text
    assert codex("tokenizer", "encode", "bytes", "abc") == "97 98 99\n"
    assert json.loads(codex("tokenizer", "encode", "bytes", "é", "--format", "json")) == [195, 169]
    assert codex("tokenizer", "decode", "bytes", "[104, 105]") == "hi"


def test_an_export_is_loaded_by_transformers(folder: Path) -> None:
    codex("tokenizer", "export", folder / "t", "--to", folder / "out")
    theirs = AutoTokenizer.from_pretrained(folder / "out", local_files_only=True)
    ids = codex("tokenizer", "encode", folder / "t", "the mat").split()
    assert theirs("the mat")["input_ids"] == [int(one) for one in ids]


def test_json_lines_are_a_corpus_too_and_a_bad_one_is_named(folder: Path) -> None:
    (folder / "c.jsonl").write_text('{"body": "the cat"}\n' * 9)
    codex(
        "tokenizer",
        "train",
        "c.jsonl",
        "--to",
        "j",
        "--corpus",
        "jsonl",
        "--key",
        "body",
        "--kind",
        "wordpiece",
        at=folder,
    )
    (folder / "c.jsonl").write_text('{"body": "the cat"}\n{"body": 3}\n')
    message = codex(
        "tokenizer", "train", "c.jsonl", "--to", "k", "--corpus", "jsonl", "--key", "body", code=2, at=folder
    )
    assert "c.jsonl:2" in message
    assert not (folder / "k").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("train", "none*.txt", "--to", "n"), "no file matches"),
        (("train", "a.txt", "--to", "t"), "give a new folder"),
        (("train", "a.txt", "--to", "n", "--size", "0"), "0"),
        (("inspect", "nowhere"), "does not exist"),
        (("inspect", ""), "empty"),
        (("decode", "t", "1 x 2"), "no token id"),
        (("decode", "t", "300"), "0 to 281"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, words: tuple[str, ...], expected: str) -> None:
    assert expected in codex("tokenizer", *words, code=2, at=folder)
    assert not (folder / "n").exists()


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    assert "UTF-8 at byte 1" in codex("tokenizer", "encode", "t", given=b"a\xff", code=2, at=folder)
    (folder / "empty.txt").write_text("")
    assert "no text" in codex("tokenizer", "train", "empty.txt", "--to", "n", code=2, at=folder)
    (folder / "latin.txt").write_bytes("naïve".encode("latin-1"))
    assert "latin.txt:1" in codex("tokenizer", "train", "latin.txt", "--to", "n", code=2, at=folder)


def test_a_model_s_folder_generates_text(folder: Path) -> None:
    from codex_train.models.save import write_model
    from codex_train.tokenization.load import write_tokenizer
    from tests.models.tiny import made

    write_model(made(), folder / "model")
    write_tokenizer(ByteEncoder(), folder / "model")
    words = (
        "generate",
        folder / "model",
        "ab",
        "--limit",
        "8",
        "--temperature",
        "1",
        "--seed",
        "3",
        "--format",
        "json",
    )
    first = json.loads(codex(*words))
    assert first["prompt"] == "ab"
    assert 0 < len(first["ids"]) <= 8
    assert codex("generate", folder / "model", "--limit", "2", given=b"ab").startswith("ab")


def test_bytes_inspect_as_bytes() -> None:
    seen = inspect(ByteEncoder())
    assert (seen.model, seen.size, seen.end, seen.exact) == ("bytes", 256, 0, True)
    assert seen.bytes_per_token == 1.0
    assert seen.tokens == len(SAMPLE.encode())


def test_a_difference_is_placed() -> None:
    assert difference("abc", "abc") == ""
    assert difference("abcd", "abXd") == "character 2: 'cd' came back as 'Xd'"
    assert difference("ab", "abc") == "character 2: '' came back as 'c'"


def test_errors_speak_of_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "nul.txt").write_bytes(b"a\0b")
    for file, said in (
        ("nul.txt", "NUL at byte 1"),
        ("nothere.txt", "nothere.txt does not exist"),
        ("no*.md", "no file"),
    ):
        line = codex("tokenizer", "train", file, "--to", tmp_path / "t", code=2, at=tmp_path)
        assert said in line
        assert "data." not in line and "configuration" not in line
        assert line.count("\n") == 1
