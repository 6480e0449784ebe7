"""``codex-train tokenizer``: make, look at, use and copy tokenizers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from codex_evidence.errors import UsageError
from codex_train.commands.options import Subparsers, add_format, given_path, print_json, print_lines

if TYPE_CHECKING:
    from codex_train.data.encoder import Encoder
    from codex_train.tokenization.inspect import Inspection

_BYTES = "bytes"
_WHICH = "a tokenizer's folder, a tokenizer.json, a GGUF file, or `bytes`"


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("tokenizer", help="make, inspect, use and export tokenizers")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_train(verbs)
    inspect = verbs.add_parser("inspect", help="size, special tokens, digest, and whether text comes back")
    inspect.add_argument("tokenizer", metavar="TOKENIZER", help=_WHICH)
    inspect.add_argument(
        "--text",
        type=given_path,
        metavar="FILE",
        help="the text for the round trip (default: one of its own)",
    )
    add_format(inspect)
    inspect.set_defaults(command=run_inspect)
    for name, what, metavar, count, action in (
        ("encode", "text to ids", "TEXT", "?", run_encode),
        ("decode", "ids to text", "ID", "*", run_decode),
    ):
        verb = verbs.add_parser(name, help=what)
        verb.add_argument("tokenizer", metavar="TOKENIZER", help=_WHICH)
        verb.add_argument("text", nargs=count, metavar=metavar, help="(default: standard input)")
        add_format(verb)
        verb.set_defaults(command=action)
    export = verbs.add_parser("export", help="write the folder that AutoTokenizer loads")
    export.add_argument("tokenizer", metavar="TOKENIZER", help=_WHICH)
    export.add_argument("--to", type=given_path, required=True, metavar="FOLDER", help="a new folder")
    export.set_defaults(command=run_export)


def _add_train(verbs: Subparsers) -> None:
    train = verbs.add_parser("train", help="make a tokenizer from a corpus")
    train.add_argument("files", nargs="+", metavar="FILE", help="files or globs of the corpus")
    train.add_argument("--to", type=given_path, required=True, metavar="FOLDER", help="a new folder")
    train.add_argument(
        "--kind", choices=("bpe", "unigram", "wordpiece"), default="bpe", help="byte-level BPE is the default"
    )
    train.add_argument("--size", type=_count, default=4096, metavar="N", help="tokens in all (default: 4096)")
    train.add_argument(
        "--special",
        action="append",
        default=[],
        metavar="TOKEN",
        help="one more special token; may be repeated",
    )
    train.add_argument(
        "--least",
        type=_count,
        default=2,
        metavar="N",
        help="merge pairs that occur N times or more (default: 2)",
    )
    train.add_argument("--lowercase", action="store_true", help="let the tokenizer make all text lower-case")
    train.add_argument("--corpus", choices=("text", "jsonl"), default="text", help="what the files hold")
    train.add_argument(
        "--key", default="text", metavar="NAME", help="of jsonl: where the text is (default: text)"
    )
    add_format(train)
    train.set_defaults(command=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    from codex_train.tokenization.corpus import corpus_texts
    from codex_train.tokenization.files import write_files
    from codex_train.tokenization.train import Recipe, tokenizer_files, train_tokenizer

    _check_new(arguments.to)
    recipe = Recipe(
        kind=arguments.kind,
        size=arguments.size,
        special=tuple(arguments.special),
        least=arguments.least,
        lowercase=arguments.lowercase,
    )
    texts = corpus_texts(arguments.files, Path.cwd(), kind=arguments.corpus, key=arguments.key)
    tokenizer = train_tokenizer(texts, recipe)
    write_files(tokenizer_files(tokenizer, recipe.kind), arguments.to)
    _say(_loaded(str(arguments.to)), arguments.format, f"written to {arguments.to}")
    return 0


def run_inspect(arguments: argparse.Namespace) -> int:
    from codex_train.tokenization.corpus import file_text

    encoder = _loaded(arguments.tokenizer)
    _say(encoder, arguments.format, text=None if arguments.text is None else file_text(arguments.text))
    return 0


def run_encode(arguments: argparse.Namespace) -> int:
    ids = [int(one) for one in _loaded(arguments.tokenizer).encode(read_text(arguments.text))]
    if arguments.format == "json":
        print_json(ids)
    else:
        print(*ids)
    return 0


def run_decode(arguments: argparse.Namespace) -> int:
    given = " ".join(arguments.text) or None
    text = _loaded(arguments.tokenizer).decode(_ids(read_text(given)))
    if arguments.format == "json":
        print_json(text)
    else:
        sys.stdout.write(text)  # to the byte, so that a pipe gets back what was encoded
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    from codex_train.tokenization.load import write_tokenizer

    _check_new(arguments.to)
    encoder = _loaded(arguments.tokenizer)
    write_tokenizer(encoder, arguments.to)
    print_lines([f"written to {arguments.to}: {encoder.size} tokens, digest {encoder.digest}"])
    return 0


def read_text(given: str | None) -> str:
    """The argument, or all of standard input. Raises UsageError for bytes that are not UTF-8."""
    data = sys.stdin.buffer.read() if given is None else given.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the text is not UTF-8 at byte {error.start}; convert it to UTF-8") from error


def _loaded(tokenizer: str) -> Encoder:
    from codex_train.config.nouns import TokenizerConfig
    from codex_train.tokenization.load import load_encoder

    if not tokenizer:
        raise UsageError(f"the tokenizer's path is empty; give {_WHICH}")
    return load_encoder(TokenizerConfig(path="" if tokenizer == _BYTES else tokenizer), Path.cwd())


def _say(encoder: Encoder, form: str, last: str = "", *, text: str | None = None) -> None:
    from codex_evidence.plain import to_plain
    from codex_train.tokenization.inspect import SAMPLE, inspect

    seen = inspect(encoder, SAMPLE if text is None else text)
    if form == "json":
        print_json(to_plain(seen))
    else:
        print_lines([*_lines(seen), *([last] if last else [])])


def _lines(seen: Inspection) -> Iterator[str]:
    yield f"kind          {seen.model} ({seen.kind})"
    yield f"tokens        {seen.size}"
    yield f"end           {seen.end}, filling {seen.pad}"
    special = ", ".join(f"{word} {number}" for word, number in seen.special.items()) or "none"
    yield f"special       {special}"
    yield f"digest        {seen.digest}"
    yield f"sample        {seen.tokens} tokens, {seen.bytes_per_token} bytes a token"
    yield f"round trip    {seen.difference or 'exact'}"


def _ids(text: str) -> list[int]:
    words = text.replace(",", " ").strip("[] \t\r\n").split()
    bad = next((word for word in words if not (word.isascii() and word.isdecimal() and len(word) < 10)), None)
    if bad is not None:
        raise UsageError(
            f"{bad[:20]!a} is no token id; give whole numbers with spaces or commas between them"
        )
    return [int(word) for word in words]


def _check_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already; give a new folder")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 9 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!a} is no number from 1 to 99999999")
    return int(text)
