"""Packing a corpus once: the result lies in a cache under a name made of everything that it depends on."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.atomic import write_bytes
from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError, UnreadableError, UsageError, WriteError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.strict_json import loads
from codex_train.config.nouns import DataConfig, Format
from codex_train.config.paths import resolve
from codex_train.data.blocks import Blocks
from codex_train.data.corpus import Bad, Tally, documents
from codex_train.data.encoder import Encoder, text_sizes
from codex_train.data.files import Source
from codex_train.data.packed import PackedFile, open_packed, remove_leftovers, write_packed
from codex_train.data.sides import Rule, Side, Sides, row_sides, text_sides
from codex_train.data.stream import Stream, token_type, write_rows, write_text
from codex_train.data.transforms import Noise

VERSION = "codex-train pack v4"
"""Of every rule that decides a packed byte, such as where long texts are cut (data/units.py); part of the key."""

_RECORD = "pack.json"
_FILES = {"train": "train.tokens", "validation": "validation.tokens"}
_MOST = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Packing:
    """What packing found: the counts of ``Tally``, the rule of the split, and the files. ``highest`` is the content
    hash up to which pairs are held out, as 16 hexadecimal digits: JSON has no number of 64 bits. It is empty where none
    are."""

    records: tuple[int, ...]
    documents: tuple[int, ...]
    empty: int
    bad: int
    first_bad: tuple[Bad, ...]
    cut: int
    rule: Rule
    train: PackedFile
    validation: PackedFile | None
    highest: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    packing: Packing
    train: Blocks
    validation: Blocks | None


def cache_key(sources: tuple[Source, ...], config: DataConfig, encoder: Encoder) -> str:
    """64 hexadecimal digits over everything that decides a packed byte; names and places of files do not."""
    parts = {
        "version": VERSION,
        "files": [{"sha256": source.sha256, "size": source.size} for source in sources],
        "format": config.format.value,
        "keys": [config.separator, config.text_key, config.prompt_key, config.answer_key],
        "bad_records": config.bad_records.value,
        "context": config.context,
        "validation": float(config.validation),
        "encoder": [encoder.digest, encoder.size, encoder.end, encoder.pad],
    }
    return sha256_hex(canonical_bytes(parts))


def cache_folder(config: DataConfig, base: Path) -> Path:
    """``data.cache``, else ``codex-train`` in $XDG_CACHE_HOME or ~/.cache (XDG Base Directory). Raises UsageError."""
    home, cache = os.environ.get("HOME", ""), os.environ.get("XDG_CACHE_HOME", "")
    if config.cache:
        return resolve(config.cache, base)
    if Path(cache).is_absolute():
        return Path(cache) / "codex-train"
    if Path(home).is_absolute():
        return Path(home) / ".cache" / "codex-train"
    raise UsageError("neither HOME nor XDG_CACHE_HOME is set; name a folder in data.cache")


def packed(
    sources: tuple[Source, ...],
    config: DataConfig,
    encoder: Encoder,
    folder: Path,
    noise: Noise | None,
    *,
    configured: bool = True,
) -> Opened:
    """The blocks of ``sources`` from under ``folder``, packed now unless they lie there undamaged. Processes that want
    the same wait for the first. ``configured`` as of Tally. Raises WriteError when there is nothing and nothing can be
    written."""
    place = folder / cache_key(sources, config, encoder)
    if found := _found(place, noise):
        return found
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _locked(place):
            if found := _found(place, noise):
                return found
            remove_leftovers(place)
            packing = _pack(Tally(sources, config.bad_records, configured), config, encoder, place)
            return _opened(place, packing, noise)
    except OSError as error:
        if isinstance(error, CodexError):
            raise
        raise WriteError(
            f"cannot keep packed tokens in {shown(place)}: {error.strerror}; "
            "make room, or name another folder in data.cache"
        ) from error


def _found(place: Path, noise: Noise | None) -> Opened | None:
    """None for whatever is missing or damaged: it can be made again."""
    with suppress(CodexError):
        return _opened(place, _read_record(place / _RECORD), noise)
    return None


def _opened(place: Path, packing: Packing, noise: Noise | None) -> Opened:
    train = open_packed(place / _FILES["train"], packing.train, noise)
    if packing.validation is None:
        return Opened(packing, train, None)
    return Opened(packing, train, open_packed(place / _FILES["validation"], packing.validation, None))


def _read_record(path: Path) -> Packing:
    document = loads(read_bytes(path, max_bytes=_MOST), source=shown(path))
    record = document.get("packing") if isinstance(document, dict) else None
    if record is None or document.get("sha256") != sha256_hex(canonical_bytes(record)):
        raise UnreadableError(f"{shown(path)} is damaged: its digest is another")
    return from_plain(Packing, record, source=shown(path))


def _write_record(path: Path, packing: Packing) -> None:
    record = to_plain(packing)
    document: dict[str, Any] = {"packing": record, "sha256": sha256_hex(canonical_bytes(record))}
    write_bytes(path, canonical_bytes(document) + b"\n")


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Alone in ``place``; the lock of a process that was killed is free."""
    descriptor = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _pack(tally: Tally, config: DataConfig, encoder: Encoder, place: Path) -> Packing:
    with tempfile.TemporaryFile(dir=place) as file:
        stream = Stream(file, token_type(encoder.size), text_sizes(encoder))
        sides = _sides(stream, config, encoder, tally)

        def write(name: str, side: Side) -> PackedFile:
            return write_packed(place / _FILES[name], side, config.context, stream.dtype, stream.sizes)

        packing = Packing(
            records=tuple(tally.records),
            documents=tuple(tally.documents),
            empty=tally.empty,
            bad=tally.bad,
            first_bad=tuple(tally.first_bad),
            cut=tally.cut,
            rule=sides.rule,
            train=write("train", sides.train),
            validation=write("validation", sides.validation) if sides.validation else None,
            highest="" if sides.highest is None else f"{sides.highest:016x}",
        )
    _write_record(place / _RECORD, packing)  # last: without it the rest does not count
    return packing


def _sides(stream: Stream, config: DataConfig, encoder: Encoder, tally: Tally) -> Sides:
    items = documents(tally.sources, config, tally)
    pairs = config.format is Format.instructions
    if pairs:
        write_rows(items, encoder, stream, config.context, tally)
    else:
        write_text(items, encoder, stream)
    if not any(tally.documents):
        raise UsageError(_nothing(tally))
    return (row_sides if pairs else text_sides)(stream, config.context, config.validation)


def _nothing(tally: Tally) -> str:
    first = shown(tally.sources[0].path)
    of = first if len(tally.sources) == 1 else f"{first} and {len(tally.sources) - 1} more"
    return f"the corpus is empty: no document in {of} ({tally.bad} bad, {tally.empty} empty records)"
