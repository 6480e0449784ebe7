"""WordPiece vocabularies (Schuster and Nakajima, 2012; made by merging as BPE does, which is what is done in practice).

The library's own trainer numbers the continuing pieces in the order of a hash table, which is another in every process.
Its BPE trainer does not. So every continuing character is given to that one as a character of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

PREFIX = "##"
_PLANES = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))  # private use: no text means anything by them


def train_wordpiece(texts: Iterable[list[str]], size: int, special: list[str], least: int) -> dict[str, int]:
    """The ids of at most ``size`` pieces for ``texts``, each a list of words; ``special`` come first.

    ``least`` is how often a pair has to occur to become one piece.
    """
    code = _Code()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=least, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator((" ".join(map(code.coded, words)) for words in texts), trainer)
    pieces = sorted(tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    return {word: number for number, word in enumerate(_meant(pieces, code, special))}


def _meant(pieces: list[tuple[str, int]], code: _Code, special: list[str]) -> Iterator[str]:
    yield from special
    known = set(special)
    for piece, _ in pieces:
        if piece not in known and (word := code.meant(piece)) not in known:
            known.add(word)
            yield word


class _Code:
    """One private character for each pair of a character and whether it begins a word, in order of first use."""

    def __init__(self) -> None:
        self._free = (chr(point) for plane in _PLANES for point in plane)
        self._codes: dict[tuple[str, bool], str] = {}
        self._meanings: dict[str, tuple[str, bool]] = {}

    def coded(self, word: str) -> str:
        return "".join(self._code(char, position == 0) for position, char in enumerate(word))

    def meant(self, piece: str) -> str:
        first, begins = self._meanings[piece[0]]
        rest = "".join(self._meanings[char][0] for char in piece[1:])
        return ("" if begins else PREFIX) + first + rest

    def _code(self, char: str, begins: bool) -> str:
        key = (char, begins)
        if key not in self._codes:
            # With all of them in use (131,068) what is met later stays unknown, as rare characters do.
            if (code := next(self._free, "")) != "":
                self._meanings[code] = key
            self._codes[key] = code
        return self._codes[key]
