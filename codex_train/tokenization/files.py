"""The files of a tokenizer's folder, as transformers and tokenizers read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codex_evidence.atomic import write_bytes
from codex_evidence.errors import UnreadableError, UsageError, WriteError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

TOKENIZER = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
BESIDE = (
    SETTINGS,
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
)
"""What may stand beside ``tokenizer.json`` and belongs to the tokenizer."""

MOST = 256 * 2**20


def folder_files(folder: Path) -> dict[str, bytes]:
    """The tokenizer's files in ``folder``, by name. Raises UnreadableError."""
    names = [name for name in (TOKENIZER, *BESIDE) if (folder / name).is_file()]
    return {name: read_bytes((folder / name).resolve(), max_bytes=MOST) for name in names}


def settings_of(files: Mapping[str, bytes], name: str = SETTINGS) -> dict[str, Any]:
    """The JSON object in the file ``name``, empty when there is none. Raises UnreadableError that names it."""
    if name not in files:
        return {}
    try:
        # Not the strict reader: transformers writes 10**30 for "no longest text", which no double holds.
        value = json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{name} of the tokenizer is no JSON: {error}; copy it again") from error
    return value if isinstance(value, dict) else {}


def own_settings(end: str, unknown: str = "") -> bytes:
    """The ``tokenizer_config.json`` of a tokenizer that was made here. ``end`` may be empty."""
    settings: dict[str, Any] = {
        "clean_up_tokenization_spaces": False,
        # The name that both the fourth and the fifth generation of transformers know for "what tokenizer.json says".
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    if end:
        settings |= {"eos_token": end, "pad_token": end}
    if unknown:
        settings["unk_token"] = unknown
    return (json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes ``files`` into ``folder``, made if need be. Raises WriteError, or UsageError for a file in the way."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{shown(folder)} is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make {shown(folder)}: {error.strerror}") from error
    for name, data in sorted(files.items()):
        write_bytes(folder / name, data)
