"""Long texts to tokens in bounded memory: a tokenizer takes about 200 bytes for each that it is given at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex_train.data.encoder import Encoder

UNIT = 1 << 18
"""Characters that are tokenized at once."""

_BEHIND = 64  # characters that a unit is given of what stands before it
_BACK = 4096  # how far before its end a unit may be cut
_TRIES = 64


def encoded(text: str, encoder: Encoder) -> Iterator[NDArray[Any]]:
    """The ids of ``text`` in order, some at a time, none of them nothing.

    A text longer than UNIT is cut in units. A cut goes between two characters that are not both letters or digits,
    where the characters around it get the same tokens together as on their own; each unit is tokenized after the
    last characters of the unit before, whose tokens are then left out. So the ids are those of the whole text. Where
    no such place is found near the end of a unit it is cut at its end, and what follows is tokenized on its own.
    """
    begin, before = 0, ""
    while begin < len(text):
        end, before_next = _cut(text, begin + UNIT, encoder)
        ids = _after(before, text[begin:end], encoder)
        if len(ids):
            yield ids
        begin, before = end, before_next


def _cut(text: str, limit: int, encoder: Encoder) -> tuple[int, str]:
    """Where to part ``text``, and what the next unit has to be given of what stands before."""
    if limit >= len(text):
        return len(text), ""
    tries = 0
    for place in range(limit, max(limit - min(_BACK, UNIT // 2), 0), -1):
        if text[place - 1].isalnum() and text[place].isalnum():
            continue
        left, right = text[max(place - _BEHIND, 0) : place], text[place : place + _BEHIND]
        if _rest(left, left + right, encoder) is not None:
            return place, left
        tries += 1
        if tries == _TRIES:
            break
    return limit, ""


def _after(before: str, text: str, encoder: Encoder) -> NDArray[Any]:
    """The ids of ``text`` where it stands after ``before``."""
    rest = _rest(before, before + text, encoder) if before else None
    return np.asarray(encoder.encode(text)) if rest is None else rest


def _rest(left: str, both: str, encoder: Encoder) -> NDArray[Any] | None:
    """The ids of ``both`` that come after those of ``left``; None where it does not begin with those."""
    first, ids = np.asarray(encoder.encode(left)), np.asarray(encoder.encode(both))
    return ids[len(first) :] if np.array_equal(ids[: len(first)], first) else None
