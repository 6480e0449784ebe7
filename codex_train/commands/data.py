"""``codex-train data``: read, split and pack a corpus, and say what is in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_train.commands.options import (
    Subparsers,
    add_config,
    add_format,
    given_path,
    print_json,
    print_lines,
)

if TYPE_CHECKING:
    from codex_train.config.nouns import Config
    from codex_train.data.prepare import Prepared


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("data", help="read, split and pack the corpus of a configuration")
    add_config(parser, "settings to change, such as data.context=512")
    parser.add_argument(
        "--croissant", type=given_path, metavar="FILE", help="write the corpus's description as Croissant 1.0"
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.config.load import load_config
    from codex_train.data.prepare import prepare
    from codex_train.tokenization.load import load_encoder

    loaded = load_config(arguments.config, arguments.overrides)
    config = loaded.config
    encoder = load_encoder(config.tokenizer, loaded.base)
    prepared = prepare(config.data, loaded.base, encoder, config.run.seed)
    if arguments.croissant is not None:
        _write_croissant(arguments.croissant, config, prepared)
    if arguments.format == "json":
        print_json(prepared.manifest | {"notes": list(prepared.notes)})
    else:
        print_lines(_lines(prepared, arguments.croissant))
    return 0


def _write_croissant(path: Path, config: Config, prepared: Prepared) -> None:
    import json

    from codex_evidence.atomic import write_bytes
    from codex_train.data.croissant import croissant

    document = croissant(config.data, prepared.sources, config.name, path.parent)
    write_bytes(path, json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8") + b"\n")


def _lines(prepared: Prepared, croissant: Path | None) -> Iterator[str]:
    manifest = prepared.manifest
    size = sum(file["size"] for file in manifest["files"])
    yield f"corpus      {len(manifest['files'])} files, {size:,} bytes, {manifest['documents']:,} documents"
    yield from prepared.notes
    yield f"split       {manifest['split']['rule']}"
    for name in ("train", "validation"):
        if part := manifest[name]:
            yield _part_line(name, part, manifest["context"])
    if croissant is not None:
        yield f"croissant   {croissant}"


def _part_line(name: str, part: dict[str, Any], context: int) -> str:
    return (
        f"{name:<12}{part['samples']:,} samples of {context} tokens from {part['documents']:,} documents, "
        f"{part['targets']:,} targets, {part['bytes']:,} bytes, sha256 {part['sha256'][:12]}"
    )
