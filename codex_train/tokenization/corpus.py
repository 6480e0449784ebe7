"""The texts that a tokenizer is made from, read as the data room reads a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_train.config.nouns import DataConfig, Format
from codex_train.data.corpus import Bad, Tally, documents
from codex_train.data.files import find_sources

_MOST_TEXT = 256 * 2**20


def corpus_texts(files: Sequence[str], base: Path, *, kind: str = "text", key: str = "text") -> Iterator[str]:
    """The documents of ``files`` (paths and globs, relative to ``base``) in parts that fit in memory.

    Raises UsageError for files that are not there and UnreadableError for a record that is no text.
    """
    if not key:
        raise UsageError("the key of the text is empty; give the name that the objects of the file use")
    config = DataConfig(files=list(files), format=Format(kind), text_key=key)
    sources = find_sources(config.files, base, folders=False, configured=False)
    return _texts(config, Tally(sources, config.bad_records, configured=False))


def file_text(path: Path) -> str:
    """All of a text file. Raises UnreadableError."""
    try:
        return read_bytes(path.resolve(), max_bytes=_MOST_TEXT).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{shown(path)} is not UTF-8 at byte {error.start}; convert it to UTF-8"
        ) from error


def _texts(config: DataConfig, tally: Tally) -> Iterator[str]:
    for item in documents(tally.sources, config, tally):
        if not isinstance(item, Bad):
            yield item.text
