"""How many bytes of text each token stands for, read from the tokenizer itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, pre_tokenizers

_SPACE = "\u2581"  # what SentencePiece writes for a space
_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")


def token_sizes(tokenizer: Tokenizer, size: int) -> NDArray[np.int32] | None:
    """The bytes of UTF-8 of each id, int32 [size]. Of byte-level vocabularies a character is a byte; of others a token
    that names a byte is one, and the mark of a space is one; an added token is its own text. 0 for the unknown token.

    None for a model or a normalizer that keeps no text whole (WordPiece, lower-casing, compatibility forms). A space
    that a tokenizer puts in front is counted: whoever knows the text finds that the sum is another.
    """
    document = json.loads(tokenizer.to_str())
    model, steps = document["model"], list(_steps(document.get("normalizer")))
    if model["type"] not in ("BPE", "Unigram") or not all(map(_keeps, steps)):
        return None
    size_of = _rule(model, steps + list(_steps(document.get("pre_tokenizer"))))
    sizes = np.zeros(size, dtype=np.int32)
    for word, number in tokenizer.get_vocab(with_added_tokens=False).items():
        sizes[number] = size_of(word)
    for number, token in tokenizer.get_added_tokens_decoder().items():
        sizes[number] = _utf8(token.content)
    unknown = (
        model.get("unk_id")
        if model["type"] == "Unigram"
        else tokenizer.token_to_id(model.get("unk_token") or "")
    )
    if unknown is not None:
        sizes[unknown] = 0
    return sizes


def _rule(model: dict[str, Any], steps: list[dict[str, Any]]) -> Callable[[str], int]:
    if any(step["type"] == "ByteLevel" for step in steps):
        alphabet = frozenset(pre_tokenizers.ByteLevel.alphabet())
        return lambda word: len(word) if alphabet.issuperset(word) else _utf8(word)
    marked = any(step["type"] in ("Metaspace", "Replace") for step in steps)
    raw = bool(model.get("byte_fallback"))

    def size_of(word: str) -> int:
        if raw and _BYTE.fullmatch(word):
            return 1
        return _utf8(word.replace(_SPACE, " ") if marked else word)

    return size_of


def _steps(part: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """A normalizer or pre-tokenizer, or those that it is made of."""
    if part is None:
        return
    if part["type"] == "Sequence":
        for one in part.get("normalizers", part.get("pretokenizers", [])):
            yield from _steps(one)
    else:
        yield part


def _keeps(normalizer: dict[str, Any]) -> bool:
    """Whether what it gives has the bytes of the text, but for a space in front and canonical equivalents, which show
    in the sum."""
    if normalizer["type"] == "Replace":
        return bool(normalizer["pattern"] == {"String": " "} and normalizer["content"] == _SPACE)
    return normalizer["type"] in ("ByteLevel", "NFC", "Prepend")


def _utf8(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
