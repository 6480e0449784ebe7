"""What a tokenizer is, and whether a text comes back from it as it went in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from codex_train.data.encoder import Encoder
from codex_train.tokenization.load import PythonEncoder, TokenizerEncoder

SAMPLE = (
    "It was a bright cold day; 12.5% of the clocks\n\n\tdidn't strike  thirteen.  \n"
    "Größe, naïve façade, Ελληνικά, русский, 日本語, 한국어, עברית, 👍🏽 e\u0301\n"
    "def f(x):\n    return {'a': [x, -1e-3]}  # ok\n"
)
"""What trips tokenizers: spaces in a row, tabs, case, digits, other scripts, combining marks, code."""

_AROUND = 12


@dataclass(frozen=True, slots=True)
class Inspection:
    """``special`` are the special tokens by their text. ``difference`` says where the text that came back first
    differs from the one that went in, empty when nowhere. ``bytes_per_token`` is measured on the same text."""

    kind: str
    model: str
    size: int
    end: int
    pad: int
    digest: str
    special: Mapping[str, int]
    tokens: int
    bytes_per_token: float
    difference: str

    @property
    def exact(self) -> bool:
        """Whether the text came back."""
        return not self.difference


def inspect(encoder: Encoder, text: str = SAMPLE) -> Inspection:
    """``encoder`` as it shows itself, and on ``text``."""
    ids = encoder.encode(text)
    back = encoder.decode([int(one) for one in ids])
    size = len(text.encode("utf-8"))
    return Inspection(
        kind=_library(encoder),
        model=_model(encoder),
        size=encoder.size,
        end=encoder.end,
        pad=encoder.pad,
        digest=encoder.digest,
        special=_special(encoder),
        tokens=len(ids),
        bytes_per_token=round(size / len(ids), 4) if len(ids) else 0.0,
        difference=difference(text, back),
    )


def difference(text: str, back: str) -> str:
    """Where ``back`` first differs from ``text``, with what stands there; empty when they are equal."""
    if text == back:
        return ""
    pairs = enumerate(zip(text, back, strict=False))
    place = next((at for at, (one, other) in pairs if one != other), min(len(text), len(back)))
    was, now = text[place : place + _AROUND], back[place : place + _AROUND]
    return f"character {place}: {was!a} came back as {now!a}"


def _library(encoder: Encoder) -> str:
    if isinstance(encoder, TokenizerEncoder):
        return "tokenizers"
    return "transformers" if isinstance(encoder, PythonEncoder) else "codex-train"


def _model(encoder: Encoder) -> str:
    if isinstance(encoder, TokenizerEncoder):
        # The library's objects do not tell their kind; their own file does.
        return str(json.loads(encoder.tokenizer.to_str())["model"]["type"])
    return type(encoder.tokenizer).__name__ if isinstance(encoder, PythonEncoder) else "bytes"


def _special(encoder: Encoder) -> dict[str, int]:
    if isinstance(encoder, TokenizerEncoder):
        added = encoder.tokenizer.get_added_tokens_decoder()
        return {str(token.content): number for number, token in sorted(added.items()) if token.special}
    if isinstance(encoder, PythonEncoder):
        words = sorted(set(encoder.tokenizer.all_special_tokens))
        return {str(word): int(encoder.tokenizer.convert_tokens_to_ids(word)) for word in words}
    return {}
