"""Tokenizers made from a corpus: byte-level BPE, unigram and WordPiece.

The same files and settings give the same ``tokenizer.json``. Only the BPE trainer of the library tokenizers repeats
itself; its trainers of the other two walk hash tables in an order of chance, so these are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from codex_evidence.errors import UsageError
from codex_train.tokenization.files import SETTINGS, TOKENIZER, own_settings
from codex_train.tokenization.unigram import count_words, train_unigram
from codex_train.tokenization.wordpiece import train_wordpiece

END = "<|endoftext|>"
KINDS = ("bpe", "unigram", "wordpiece")
_UNKNOWN = {"bpe": "", "unigram": "<unk>", "wordpiece": "[UNK]"}
_CHUNK = 1 << 16  # characters that are handed over at once
_LEAST = {
    "bpe": 256,
    "unigram": 257,
    "wordpiece": 1,
}  # every byte has a token of its own; of WordPiece only the unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What to make. ``size`` counts all tokens; ``special`` come right after the end of a document, which is token 0;
    ``least`` is how often a pair has to occur to be merged (bpe and wordpiece)."""

    kind: str = "bpe"
    size: int = 4096
    special: tuple[str, ...] = ()
    least: int = 2
    lowercase: bool = False


def train_tokenizer(texts: Iterable[str], recipe: Recipe) -> Tokenizer:
    """A tokenizer for ``texts``, which are read once, in constant memory but for the different words.

    Raises UsageError for a recipe that cannot be followed and for texts without a character.
    """
    _check(recipe)
    pieces = _Counted(texts)
    tokenizer = _TRAINERS[recipe.kind](pieces, recipe)
    if not pieces.characters:
        raise UsageError("there is no text to train a tokenizer on; give files that hold some")
    # Their ids are set by now; this has a text that spells one out give it whole.
    tokenizer.add_special_tokens(
        [AddedToken(word, special=True, normalized=False) for word in _special(recipe)]
    )
    return tokenizer


def tokenizer_files(tokenizer: Tokenizer, kind: str) -> dict[str, bytes]:
    """The files of a folder that AutoTokenizer and ``load_encoder`` load."""
    return {
        TOKENIZER: tokenizer.to_str(pretty=True).encode(),
        SETTINGS: own_settings(END, _UNKNOWN[kind]),
    }


class _Counted:
    """``texts`` in chunks that end with a line where there is one, with the number of their characters."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts, self.characters = texts, 0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            self.characters += len(text)
            yield from _chunks(text)


def _chunks(text: str) -> Iterator[str]:
    begin = 0
    while begin < len(text):
        end = min(begin + _CHUNK, len(text))
        if end < len(text):
            end = text.rfind("\n", begin, end) + 1 or end
        end = end if end > begin else min(begin + _CHUNK, len(text))
        yield text[begin:end]
        begin = end


def _bpe(texts: Iterable[str], recipe: Recipe) -> Tokenizer:
    tokenizer = _dressed(models.BPE(), recipe)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.size,
        min_frequency=recipe.least,
        special_tokens=_special(recipe),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(iter(texts), trainer)
    return tokenizer


def _unigram(texts: Iterable[str], recipe: Recipe) -> Tokenizer:
    # Never a space put in front: a text has to come back as it went in.
    lines = pre_tokenizers.Split(
        Regex("\n+"), "isolated"
    )  # else the last word of a line takes the next line's indent
    cutter = pre_tokenizers.Sequence([lines, pre_tokenizers.Metaspace(prepend_scheme="never", split=True)])
    normalizer = normalizers.Lowercase() if recipe.lowercase else None
    first = [*_special(recipe)]
    raw = [f"<0x{byte:02X}>" for byte in range(256)]  # the names by which the library finds them
    counts = count_words(_words(texts, normalizer, cutter))
    learned = train_unigram(counts, recipe.size - len(first) - len(raw)) if counts else []
    lowest = min((score for _, score in learned), default=0.0)
    vocabulary = [*((word, 0.0) for word in first), *learned, *((word, lowest - 10.0) for word in raw)]
    model = models.Unigram(vocabulary, unk_id=first.index(_UNKNOWN["unigram"]), byte_fallback=True)
    tokenizer = _dressed(model, recipe)
    tokenizer.pre_tokenizer = cutter
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="never"), decoders.Fuse()]
    )
    return tokenizer


def _wordpiece(texts: Iterable[str], recipe: Recipe) -> Tokenizer:
    normalizer = normalizers.BertNormalizer(lowercase=recipe.lowercase, strip_accents=False)
    cutter = pre_tokenizers.BertPreTokenizer()
    words = (_only(pieces) for pieces in _pieces(texts, normalizer, cutter))
    learned = train_wordpiece(words, recipe.size, _special(recipe), recipe.least)
    tokenizer = Tokenizer(models.WordPiece(learned, unk_token=_UNKNOWN["wordpiece"]))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = cutter
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


_TRAINERS = {"bpe": _bpe, "unigram": _unigram, "wordpiece": _wordpiece}


def _dressed(model: Any, recipe: Recipe) -> Tokenizer:
    tokenizer = Tokenizer(model)
    if recipe.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def _pieces(texts: Iterable[str], normalizer: Any, cutter: Any) -> Iterator[list[tuple[str, Any]]]:
    for text in texts:
        yield cutter.pre_tokenize_str(normalizer.normalize_str(text) if normalizer else text)


def _words(texts: Iterable[str], normalizer: Any, cutter: Any) -> Iterator[str]:
    for pieces in _pieces(texts, normalizer, cutter):
        yield from _only(pieces)


def _only(pieces: list[tuple[str, Any]]) -> list[str]:
    return [word for word, _ in pieces]


def _special(recipe: Recipe) -> list[str]:
    unknown = _UNKNOWN[recipe.kind]
    return [END, *recipe.special, *([unknown] if unknown else [])]


def _check(recipe: Recipe) -> None:
    if recipe.kind not in KINDS:
        raise UsageError(f"{recipe.kind!a} is no kind of tokenizer; give one of {', '.join(KINDS)}")
    special = _special(recipe)
    if len(set(special)) < len(special) or not all(special):
        raise UsageError(f"special tokens have to be different and not empty, and {END} is there already")
    least = _LEAST[recipe.kind] + len(special)
    if recipe.size < least:
        raise UsageError(
            f"a {recipe.kind} tokenizer with these special tokens has at least {least} tokens; ask for more"
        )
    if recipe.least < 1:
        raise UsageError("a pair has to occur once or more to be merged; give at least 1")
