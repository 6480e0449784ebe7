"""The bytes of UTF-8 as a tokenizer that every program can load: ids are byte values, nothing is merged."""

from __future__ import annotations

from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from codex_train.tokenization.files import SETTINGS, TOKENIZER, own_settings


@cache
def byte_files() -> dict[str, bytes]:
    """The files of the byte tokenizer. Its end token, byte 0, is no special token there: as one it would be found in
    every text that holds the character that stands for it."""
    return {TOKENIZER: byte_tokenizer().to_str(pretty=True).encode(), SETTINGS: own_settings("")}


def byte_tokenizer() -> Tokenizer:
    """Byte-level BPE (Radford et al., 2019) without a single merge."""
    tokenizer = Tokenizer(models.BPE(vocab=_alphabet(), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _alphabet() -> dict[str, int]:
    """The character that byte-level tokenizers write for each byte: itself where it prints, else one from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in plain)
    return {chr(byte): byte for byte in plain} | {chr(0x100 + n): byte for n, byte in enumerate(others)}
