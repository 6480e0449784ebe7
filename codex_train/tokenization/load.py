"""Tokenizers from local files, as the encoders that the data room works with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_train.config.nouns import TokenizerConfig
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.tokenization.bytes import byte_files
from codex_train.tokenization.files import (
    MOST,
    SETTINGS,
    TOKENIZER,
    folder_files,
    own_settings,
    settings_of,
    write_files,
)
from codex_train.tokenization.sizes import token_sizes

_ENDS = ("<|endoftext|>", "</s>", "<eos>", "<|end_of_text|>", "<|im_end|>", "[SEP]")
_PUT = (
    f"put {TOKENIZER} and {SETTINGS} there (they lie beside a downloaded model), make one with "
    "`codex-train tokenizer train`, or leave tokenizer.path empty for bytes"
)


@dataclass(frozen=True, slots=True)
class TokenizerEncoder:
    """A tokenizer of the library tokenizers, as an Encoder. ``files`` are those that load it again.

    Special tokens that a text spells out count as special, as they do elsewhere in this field.
    """

    tokenizer: Tokenizer
    size: int
    end: int
    pad: int
    digest: str
    files: Mapping[str, bytes]

    def encode(self, text: str) -> NDArray[np.int64]:
        """The ids of ``text``, int64 [tokens], with no special token put around them."""
        return np.array(self.tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``, without special tokens. Raises UsageError for an id that is beyond the vocabulary."""
        wanted = [int(one) for one in ids]
        if wanted and not 0 <= min(wanted) <= max(wanted) < self.size:
            raise UsageError(f"ids go from 0 to {self.size - 1}; these are not all of this tokenizer")
        kept = [one for one in wanted if one != self.end]
        return str(self.tokenizer.decode(kept, skip_special_tokens=True))

    def sizes(self) -> NDArray[np.int32] | None:
        """The bytes of each id, int32 [size]; None of tokenizers that change the text or drop parts of it."""
        return token_sizes(self.tokenizer, self.size)


@dataclass(frozen=True, slots=True)
class PythonEncoder:
    """A tokenizer that transformers runs itself, for which there is no ``tokenizer.json``."""

    tokenizer: Any
    size: int
    end: int
    pad: int
    digest: str
    files: Mapping[str, bytes]

    def encode(self, text: str) -> NDArray[np.int64]:
        """As of TokenizerEncoder."""
        return np.array(self.tokenizer.encode(text, add_special_tokens=False), dtype=np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        """As of TokenizerEncoder."""
        kept = [int(one) for one in ids if int(one) != self.end]
        return str(self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def sizes(self) -> None:
        """What its code does to a text is not known."""
        return


def load_encoder(config: TokenizerConfig, base: Path) -> Encoder:
    """The tokenizer that ``config.path`` names, relative to ``base``: a folder, a ``tokenizer.json`` or a GGUF file;
    bytes when it is empty. Nothing is looked for on the network and no code of the folder is run.

    Raises UsageError for what is not there, UnreadableError for what cannot be used.
    """
    if not config.path:
        return ByteEncoder()
    path = (base / Path(config.path).expanduser()).absolute()
    if not path.exists():
        raise UsageError(f"tokenizer.path={shown(config.path)}: {shown(path)} does not exist; {_PUT}")
    if path.suffix == ".gguf":
        return _through_transformers(path.parent, {}, path.name)
    if path.is_file():
        return _from_file(path)
    files = folder_files(path)
    return _encoder(path, files) if TOKENIZER in files else _through_transformers(path, files)


def write_tokenizer(encoder: Encoder, folder: Path) -> None:
    """Writes the files into ``folder`` with which transformers, tokenizers and ``load_encoder`` load ``encoder``.

    Raises WriteError, and UsageError for an encoder that did not come from here.
    """
    if isinstance(encoder, ByteEncoder):
        write_files(byte_files(), folder)
    elif isinstance(encoder, TokenizerEncoder | PythonEncoder):
        write_files(encoder.files, folder)
    else:
        raise UsageError(f"a {type(encoder).__name__} has no files; write it with the program that made it")


def _from_file(path: Path) -> Encoder:
    files = (
        folder_files(path.parent)
        if path.name == TOKENIZER
        else {TOKENIZER: read_bytes(path.resolve(), max_bytes=MOST)}
    )
    return _encoder(path, files)


def _encoder(path: Path, files: dict[str, bytes]) -> Encoder:
    if files[TOKENIZER] == byte_files()[TOKENIZER]:
        return ByteEncoder()
    try:
        tokenizer = Tokenizer.from_buffer(files[TOKENIZER])
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableError(
            f"{shown(path)}: {TOKENIZER} cannot be used: {reason}; copy it again"
        ) from error
    return _of(path, tokenizer, files)


def _of(path: Path, tokenizer: Tokenizer, files: dict[str, bytes]) -> TokenizerEncoder:
    # A file may ask for cutting and filling; a corpus must come through whole.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    end = _end(path, vocabulary, files)
    pad = _named(settings_of(files).get("pad_token"), vocabulary)
    if SETTINGS not in files:
        files[SETTINGS] = own_settings(next(word for word, number in vocabulary.items() if number == end))
    digest = _digest({"tokenizer": sha256_hex(tokenizer.to_str().encode())}, end)
    size = max(vocabulary.values()) + 1
    return TokenizerEncoder(tokenizer, size, end, end if pad is None else pad, digest, files)


def _through_transformers(folder: Path, files: dict[str, bytes], gguf: str = "") -> Encoder:
    """What only transformers can load: GGUF and tokenizers without ``tokenizer.json``. It knows how to turn most of
    them into one of tokenizers."""
    if gguf:
        from codex_train.models.gguf import check_package

        check_package()
    elif not files:
        raise UsageError(f"{shown(folder)} holds no tokenizer; {_PUT}")
    from transformers import AutoTokenizer

    given: dict[str, Any] = {"gguf_file": gguf} if gguf else {}
    try:
        loaded: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **given
        )
        saved = _saved(loaded)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UnreadableError(
            f"the tokenizer in {shown(folder / gguf)} cannot be loaded: {reason}"
        ) from error
    if TOKENIZER in saved:
        return _encoder(folder / gguf, saved)
    return _python_encoder(folder, loaded, saved)


def _python_encoder(folder: Path, loaded: Any, files: dict[str, bytes]) -> PythonEncoder:
    vocabulary: dict[str, int] = loaded.get_vocab()
    end = _end(folder, vocabulary, files)
    pad = loaded.pad_token_id
    parts = {name: sha256_hex(data) for name, data in files.items()}
    digest = _digest({"class": type(loaded).__name__, "files": parts}, end)
    return PythonEncoder(
        loaded, max(vocabulary.values()) + 1, end, end if pad is None else int(pad), digest, files
    )


def _saved(loaded: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        loaded.save_pretrained(place)
        files = {one.name: one.read_bytes() for one in Path(place).iterdir() if one.stat().st_size <= MOST}
    if settings := settings_of(files):
        kept = {
            name: value for name, value in settings.items() if name not in ("is_local", "local_files_only")
        }
        kept.pop("name_or_path", None)  # where it lay on this machine is no part of it
        files[SETTINGS] = (json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    return files


def _end(path: Path, vocabulary: Mapping[str, int], files: Mapping[str, bytes]) -> int:
    """The id that ends a document: as the tokenizer's settings say, else the model's beside it, else a usual name."""
    for name in (SETTINGS, "special_tokens_map.json"):
        settings = settings_of(files, name)
        for key in ("eos_token", "sep_token"):
            if (number := _named(settings.get(key), vocabulary)) is not None:
                return number
    folder = path if path.is_dir() else path.parent
    for name in ("generation_config.json", "config.json"):
        if (number := _numbered(folder / name)) is not None and number in set(vocabulary.values()):
            return number
    for word in _ENDS:
        if word in vocabulary:
            return vocabulary[word]
    raise UsageError(
        f"the tokenizer {shown(path)} does not say which token ends a document; name one of its tokens as eos_token in "
        f"{SETTINGS} beside it"
    )


def _named(token: object, vocabulary: Mapping[str, int]) -> int | None:
    """The id of a token as a settings file gives it: its text, or an object with it."""
    word = token.get("content") if isinstance(token, dict) else token
    return vocabulary.get(word) if isinstance(word, str) else None


def _numbered(path: Path) -> int | None:
    if not path.is_file():
        return None
    number = settings_of({path.name: read_bytes(path.resolve(), max_bytes=MOST)}, path.name).get(
        "eos_token_id"
    )
    if isinstance(number, list):
        number = number[0] if number else None
    return number if isinstance(number, int) else None


def _digest(parts: dict[str, Any], end: int) -> str:
    return sha256_hex(canonical_bytes({"codex-train": "encoder v1", "end": end} | parts))
