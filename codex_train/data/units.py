"""Long texts to tokens in bounded memory: a tokenizer takes about 200 bytes for each that it is given at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex_train.data.encoder import Encoder

UNIT = 1 << 18
"""Characters that are tokenized at once."""

_BEHIND = 64  # characters that a unit is given of what stands before it
_BACK = 4096  # how far before its end a unit may be cut
_TRIES = 64


@dataclass(slots=True)
class Units:
    """Tokenizes a text that comes in parts.

    It is cut in units. A cut goes between two characters that are neither both letters or digits nor the same, where
    the 64 characters on both sides get the same tokens together as on their own; each unit is tokenized after the last
    characters of the unit before, whose tokens are then left out. So the ids are those of the whole text, if no
    tokenizer looks further, and they are the same however the text came. Where no such place is found near the end
    of a unit it is cut at its end, and what follows is tokenized on its own.
    """

    encoder: Encoder
    _before: str = ""
    _held: str = ""

    def ids(self, part: str, *, last: bool) -> Iterator[NDArray[Any]]:
        """The next ids of the text, some at a time, none of them nothing; after its ``last`` part another begins."""
        text, begin = self._held + part, 0
        while len(text) - begin > UNIT + _BEHIND or (last and begin < len(text)):
            end, following = _cut(text, begin + UNIT, self.encoder)
            ids = _after(self._before, text[begin:end], self.encoder)
            begin, self._before = end, following
            if len(ids):
                yield ids
        self._held = text[begin:]


def _cut(text: str, limit: int, encoder: Encoder) -> tuple[int, str]:
    """Where to part ``text``, and what the next unit has to be given of what stands before."""
    if limit >= len(text):
        return len(text), ""
    tries = 0
    for place in range(limit, max(limit - min(_BACK, UNIT // 2), 0), -1):
        if text[place - 1] == text[place] or (text[place - 1].isalnum() and text[place].isalnum()):
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
