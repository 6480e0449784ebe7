"""Documents to tokens: one pass over the corpus into a file that has no name."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from codex_evidence.errors import UsageError
from codex_train.data.corpus import Bad, Document, Tally
from codex_train.data.encoder import Encoder
from codex_train.data.split import content_hash, number_of
from codex_train.data.units import Units


def token_type(size: int) -> np.dtype[Any]:
    """The smallest type that packed tokens have, of a tokenizer with ``size`` ids: little-endian on every machine."""
    return np.dtype("u1" if size <= 1 << 8 else "<u2" if size <= 1 << 16 else "<u4")


@dataclass(slots=True)
class Stream:
    """Tokens in ``file``. ``hashes`` has the content hash of each document; of text, ``lengths`` has its tokens (its
    end token, which follows, not counted), and of rows ``starts`` and ``ends`` have where the answer stands. ``sizes``
    are the bytes of each token; None as soon as those of a text do not add up to its own."""

    file: IO[bytes]
    dtype: np.dtype[Any]
    sizes: NDArray[np.int32] | None
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))
    starts: array[int] = field(default_factory=lambda: array("i"))
    ends: array[int] = field(default_factory=lambda: array("i"))

    def tokens(self) -> NDArray[Any]:
        """All of them, mapped."""
        self.file.flush()
        return np.memmap(self.file, dtype=self.dtype, mode="r")


def write_text(items: Iterable[Document | Bad], encoder: Encoder, stream: Stream) -> None:
    """Appends each document and an end token to ``stream``."""
    end = np.array([encoder.end], dtype=stream.dtype).tobytes()
    begin = length = 0  # of the document that is being written: bytes in the file, tokens
    text, digest = _Text(encoder, stream), hashlib.sha256()
    for item in items:
        if isinstance(item, Document):
            data = item.text.encode("utf-8")
            digest.update(data)
            for ids in text.ids(item.text, len(data), last=item.last):
                stream.file.write(ids.astype(stream.dtype).data.cast("B"))
                length += len(ids)
            if not item.last:
                continue
            stream.file.write(end)
            stream.hashes.append(number_of(digest.digest()))
            stream.lengths.append(length)
            begin += (length + 1) * stream.dtype.itemsize
        elif length:
            stream.file.seek(begin)
            stream.file.truncate()
        length, text, digest = 0, _Text(encoder, stream), hashlib.sha256()


def write_rows(
    items: Iterable[Document | Bad], encoder: Encoder, stream: Stream, context: int, tally: Tally
) -> None:
    """Appends a row of ``context`` tokens for each pair: prompt, answer, end of document, padding. An answer beyond the
    row is cut and counted; a pair without a target is bad."""
    for item in items:
        if isinstance(item, Bad):
            continue
        answer = item.answer or ""
        prompt, reply = _whole(item.text, encoder, stream), _whole(answer, encoder, stream)
        if reason := unusable(len(prompt), len(reply), answer, context):
            tally.withdraw(Bad(item.source, item.line, reason))
            continue
        tokens = np.concatenate((prompt, reply, [encoder.end]))[:context]
        row = np.full(context, encoder.pad, dtype=stream.dtype)
        row[: len(tokens)] = tokens
        stream.file.write(row.data.cast("B"))
        stream.hashes.append(pair_hash(item.text, answer))
        stream.starts.append(len(prompt))
        stream.ends.append(len(tokens))
        tally.cut += len(prompt) + len(reply) + 1 > context


def pair_hash(prompt: str, answer: str) -> int:
    """64 bits of the content of a pair, which decide on what side of a split it is."""
    return content_hash((prompt.encode("utf-8"), b"\0", answer.encode("utf-8")))


def unusable(prompt: int, reply: int, answer: str, context: int) -> str:
    """Why a pair with so many tokens has nothing to learn from, empty when it has. The first token of a row is never a
    target."""
    if not answer:
        return "the answer is empty"
    if prompt >= context:
        return f"no room for an answer: the prompt has {prompt} tokens, data.context is {context}"
    if prompt + reply == 0:
        return "prompt and answer have no token"
    return ""


def _whole(text: str, encoder: Encoder, stream: Stream) -> NDArray[Any]:
    ids = _Text(encoder, stream).ids(text, len(text.encode("utf-8")), last=True)
    return np.concatenate([np.empty(0, dtype=np.int64), *ids])


class _Text:
    """A text that is tokenized for ``stream``. ``_uncounted`` are its bytes that no token stands for so far."""

    def __init__(self, encoder: Encoder, stream: Stream) -> None:
        self._units, self._stream, self._uncounted = Units(encoder), stream, 0

    def ids(self, part: str, size: int, *, last: bool) -> Iterator[NDArray[Any]]:
        """The next ids after a ``part`` of so many bytes, as of Units. Raises UsageError for one that is beyond the
        tokenizer's size."""
        sizes, limit = self._stream.sizes, self._units.encoder.size
        self._uncounted += size
        for ids in self._units.ids(part, last=last):
            low, high = int(ids.min()), int(ids.max())
            if low < 0 or high >= limit:
                raise UsageError(
                    f"the tokenizer gives id {high if low >= 0 else low} but says that it has {limit} ids; "
                    "its files do not belong together"
                )
            if sizes is not None:
                self._uncounted -= int(sizes[ids].sum(dtype=np.int64))
            yield ids
        # A tokenizer may put a space in front, drop or replace characters: its tokens are then not the text's bytes.
        if last and self._uncounted:
            self._stream.sizes = None
