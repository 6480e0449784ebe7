"""Which tokens of a stream become which blocks of training and validation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from codex_evidence.errors import UsageError
from codex_train.data.split import FEW, held_out, held_out_some, number_of
from codex_train.data.stream import Stream

Rule = Literal["none", "documents", "blocks"]
_CHUNK = 1 << 16  # tokens that are copied at once


@dataclass(frozen=True, slots=True)
class Side:
    """``count`` blocks, of which ``rows`` gives some at a time [k, context], from so many ``documents``, whole or not;
    ``starts`` and ``ends`` as in ``Blocks``."""

    count: int
    documents: int
    rows: Callable[[], Iterator[NDArray[Any]]]
    starts: NDArray[np.int32] | None = None
    ends: NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class Sides:
    """``rule`` tells what was split. Of rows, ``highest`` is the content hash up to which they are held out."""

    rule: Rule
    train: Side
    validation: Side | None
    highest: int | None = None


def text_sides(stream: Stream, context: int, share: float) -> Sides:
    """Blocks without overlap of the documents of each side, one after another, an end token between them; what is left
    of a side beyond its last whole block is dropped. Where there are few documents, or those of a side do not fill a
    block, all are cut into blocks first, and these are split."""
    tokens, lengths = stream.tokens(), np.array(stream.lengths, dtype=np.int64)
    everything = _documents_side(tokens, lengths, np.ones(len(lengths), dtype=bool), context)
    if everything.count == 0:
        raise UsageError(
            f"the corpus has {max(int(lengths.sum()) + len(lengths) - 1, 0)} tokens, which fill no block of "
            f"data.context={context}; give more text or a smaller context"
        )
    if share == 0:
        return Sides("none", everything, None)
    if len(lengths) >= FEW:
        mask = held_out(np.array(stream.hashes, dtype=np.uint64), share)
        train, held = (_documents_side(tokens, lengths, part, context) for part in (~mask, mask))
        if train.count and held.count:
            return Sides("documents", train, held)
    blocks = tokens[: everything.count * context].reshape(-1, context)
    hashes = (number_of(hashlib.sha256(block.tobytes()).digest()) for block in blocks)
    mask = held_out_some(np.fromiter(hashes, np.uint64, len(blocks)), share)
    train, held = (_rows_side(blocks, part, _documents_in(part, lengths, context)) for part in (~mask, mask))
    return Sides("blocks", train, held)


def row_sides(stream: Stream, context: int, share: float) -> Sides:
    """The rows of each side, in the order of the corpus; each is a document."""
    rows = stream.tokens().reshape(-1, context)
    starts, ends = (np.array(one, dtype=np.int32) for one in (stream.starts, stream.ends))
    if share == 0:
        return Sides("none", _rows_side(rows, np.ones(len(rows), dtype=bool), len(rows), starts, ends), None)
    hashes = np.array(stream.hashes, dtype=np.uint64)
    mask = held_out_some(hashes, share)
    train, held = (_rows_side(rows, part, int(part.sum()), starts, ends) for part in (~mask, mask))
    return Sides("documents", train, held, int(hashes[mask].max()))


def _rows_side(
    rows: NDArray[Any],
    mask: NDArray[np.bool_],
    documents: int,
    starts: NDArray[np.int32] | None = None,
    ends: NDArray[np.int32] | None = None,
) -> Side:
    wanted = np.flatnonzero(mask)
    step = max(1, _CHUNK // rows.shape[1])

    def some() -> Iterator[NDArray[Any]]:
        for first in range(0, len(wanted), step):
            yield rows[wanted[first : first + step]]

    return Side(
        len(wanted),
        documents,
        some,
        None if starts is None else starts[mask],
        None if ends is None else ends[mask],
    )


def _documents_in(mask: NDArray[np.bool_], lengths: NDArray[np.int64], context: int) -> int:
    """Of how many documents the blocks in ``mask`` hold a token."""
    bounds = np.concatenate(([0], np.cumsum(lengths + 1)))
    begins = np.flatnonzero(mask) * context
    steps = np.zeros(len(bounds), dtype=np.int64)
    np.add.at(steps, np.searchsorted(bounds, begins, side="right") - 1, 1)
    np.add.at(steps, np.searchsorted(bounds, begins + context - 1, side="right"), -1)
    return int(np.count_nonzero(np.cumsum(steps)[:-1]))


def _documents_side(
    tokens: NDArray[Any], lengths: NDArray[np.int64], mask: NDArray[np.bool_], context: int
) -> Side:
    """The blocks of the documents in ``mask``. No end token follows the last of them."""
    total = max(int((lengths[mask] + 1).sum()) - 1, 0)
    count = total // context
    return Side(count, int(mask.sum()), lambda: _blocks(_spans(tokens, lengths, mask), context, count))


def _spans(
    tokens: NDArray[Any], lengths: NDArray[np.int64], mask: NDArray[np.bool_]
) -> Iterator[NDArray[Any]]:
    """The tokens of neighbouring documents in ``mask``, with the end token of each."""
    bounds = np.concatenate(([0], np.cumsum(lengths + 1)))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    for first, last in edges.reshape(-1, 2).tolist():
        yield tokens[bounds[first] : bounds[last]]


def _blocks(spans: Iterable[NDArray[Any]], context: int, count: int) -> Iterator[NDArray[Any]]:
    """The first ``count`` blocks of the concatenation of ``spans``, many at a time."""
    held: list[NDArray[Any]] = []
    size = 0
    for piece in (span[at : at + _CHUNK] for span in spans for at in range(0, len(span), _CHUNK)):
        held.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            rows, rest = _cut(np.concatenate(held), context, count)
            yield rows
            count, held, size = count - len(rows), [rest], len(rest)
    if count:
        yield _cut(np.concatenate(held), context, count)[0]


def _cut(tokens: NDArray[Any], context: int, most: int) -> tuple[NDArray[Any], NDArray[Any]]:
    whole = min(len(tokens) // context, most) * context
    return tokens[:whole].reshape(-1, context), tokens[whole:]
