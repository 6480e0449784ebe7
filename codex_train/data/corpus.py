"""Documents of each format, one after another, with what cannot be read among them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.names import shown
from codex_train.config.nouns import BadRecords, DataConfig, Format
from codex_train.data.files import Source, opened
from codex_train.data.records import LONGEST_LINE, Wanted, read_record
from codex_train.data.text import BadTextError, decode, pieces

_FIRST = 10  # bad records that are told one by one
_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Document:
    """``text`` (of a pair the prompt) and ``answer`` (of a pair alone). It begins at ``line`` (from 1; a row of a data
    set) of source number ``source``. A document beyond ``text.PIECE`` comes in parts, of which one is ``last``."""

    text: str
    answer: str | None
    source: int
    line: int
    last: bool = True


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that cannot be used. Parts of it that came before are void."""

    source: int
    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """What was met while a corpus was read: records and documents by source, empty documents, bad records and the
    first of them, answers that were cut. ``configured`` says whether a configuration names the sources: without one,
    errors speak of none of its settings."""

    sources: tuple[Source, ...]
    policy: BadRecords
    configured: bool = True
    records: list[int] = field(init=False)
    documents: list[int] = field(init=False)
    empty: int = 0
    bad: int = 0
    first_bad: list[Bad] = field(default_factory=list)
    cut: int = 0

    def __post_init__(self) -> None:
        self.records, self.documents = [0] * len(self.sources), [0] * len(self.sources)

    def reject(self, bad: Bad) -> None:
        """Counts ``bad``, or raises UnreadableError that names file and line, as the configuration says."""
        if self.policy is BadRecords.refuse:
            where = f"{shown(self.sources[bad.source].path)}:{bad.line}"
            advice = " (data.bad_records=count goes on without it)" if self.configured else ""
            raise UnreadableError(f"{where}: {bad.reason}{advice}")
        self.bad += 1
        if len(self.first_bad) < _FIRST:
            self.first_bad.append(bad)

    def withdraw(self, bad: Bad) -> None:
        """As ``reject``, for what was counted as a document already."""
        self.documents[bad.source] -= 1
        self.reject(bad)


def documents(sources: tuple[Source, ...], config: DataConfig, tally: Tally) -> Iterator[Document | Bad]:
    """The documents of ``sources`` in their order, in constant memory. A ``Bad`` has been tallied; it only says that
    the parts of its document are void. Empty documents are left out and counted."""
    read = _READERS[config.format]
    for number, source in enumerate(sources):
        for item in read(source, number, config):
            ends = isinstance(item, Bad) or item.last
            tally.records[number] += ends
            if isinstance(item, Bad):
                tally.reject(item)
                yield item
            elif item.last and not item.text and item.answer is None:
                tally.empty += 1
            else:
                tally.documents[number] += ends
                yield item


def _text_file(source: Source, number: int, config: DataConfig) -> Iterator[Document | Bad]:
    if "\n" in config.separator or "\r" in config.separator:
        raise UsageError("data.separator holds a line break; give the content of one line")
    void = False  # the parts of a document up to its last
    with opened(source) as file:
        for piece in pieces(file, config.separator.encode("utf-8")):
            if not void:
                item = _text_piece(piece.data, piece.offset, number, piece.line, piece.last)
                void = isinstance(item, Bad)
                yield item
            void = void and not piece.last


def _text_piece(data: bytes, offset: int, number: int, line: int, last: bool) -> Document | Bad:
    try:
        return Document(decode(data, offset), None, number, line, last)
    except BadTextError as error:
        return Bad(number, line, str(error))


def _line_file(source: Source, number: int, config: DataConfig) -> Iterator[Document | Bad]:
    wanted = _wanted(config)
    with opened(source) as file:
        for line, offset, data in _lines(file):
            if data is None:
                yield Bad(number, line, f"a line longer than {LONGEST_LINE >> 20} MiB; split the record")
            elif data.strip():
                yield _record(data, offset, number, line, wanted)


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes | None]]:
    """Number, offset and bytes of each line; None for the bytes of one that is too long to be held."""
    number = offset = 0
    while data := file.readline(LONGEST_LINE + 1):
        number += 1
        size = len(data)
        if size > LONGEST_LINE and not data.endswith(b"\n"):
            del data  # before more is read: there may be no room for both
            size += _skip_line(file)
            yield number, offset, None
        else:
            yield number, offset, data
        offset += size


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while data := file.readline(1 << 20):
        skipped += len(data)
        if data.endswith(b"\n"):
            break
    return skipped


def _record(data: bytes, offset: int, number: int, line: int, wanted: Wanted) -> Document | Bad:
    try:
        first, *rest = read_record(decode(data, offset), wanted)
    except BadTextError as error:
        return Bad(number, line, str(error))
    return Document(first, rest[0] if rest else None, number, line)


def _wanted(config: DataConfig) -> Wanted:
    if config.format is Format.instructions:
        return (config.prompt_key, config.answer_key)
    return (config.text_key,)


def _data_set(source: Source, number: int, config: DataConfig) -> Iterator[Document | Bad]:
    rows = _load_data_set(source, config.text_key)
    line = 0
    for batch in rows.iter(batch_size=_ROWS):
        for text in batch[config.text_key]:
            line += 1
            if not isinstance(text, str):
                yield Bad(number, line, f"{config.text_key!a} holds no text but a {type(text).__name__}")
            elif "\0" in text:
                yield Bad(number, line, "NUL in the text; remove it")
            else:
                yield Document(text, None, number, line)


def _load_data_set(source: Source, key: str) -> Any:
    try:
        datasets: Any = importlib.import_module("datasets")
    except ImportError as error:
        raise UsageError(
            "data.format=dataset needs the package datasets: pip install datasets; or export the data as JSONL"
        ) from error
    try:
        rows = datasets.load_from_disk(str(source.path))
    except Exception as error:  # noqa: BLE001 - damaged files raise whatever arrow and datasets happen to
        _no_data_set(source, error)
    if isinstance(rows, datasets.DatasetDict):
        parts = ", ".join(sorted(map(str, rows)))
        raise UsageError(f"{shown(source.path)} holds several splits ({parts}); name one, such as PATH/train")
    if key not in rows.column_names:
        columns = ", ".join(rows.column_names)
        raise UsageError(
            f"{shown(source.path)} has no column {key!a}; set data.text_key to one of: {columns}"
        )
    return rows.select_columns([key])


def _no_data_set(source: Source, error: Exception) -> NoReturn:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise UnreadableError(
        f"{shown(source.path)} cannot be loaded as a data set: {reason}; write it with save_to_disk"
    ) from error


_READERS: dict[Format, Callable[[Source, int, DataConfig], Iterator[Document | Bad]]] = {
    Format.text: _text_file,
    Format.jsonl: _line_file,
    Format.instructions: _line_file,
    Format.dataset: _data_set,
}
