"""What a model is made from: the files of its folder that are read, each with its digest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codex_evidence.digests import file_sha256
from codex_evidence.names import encode_name
from codex_evidence.run_documents import schema_id
from codex_train.config.nouns import ModelConfig
from codex_train.models.local import (
    CONFIG,
    INDEX,
    WEIGHTS,
    check_gguf,
    check_model_folder,
    model_folder,
    shards,
)

GENERATION = "generation_config.json"


def model_document(config: ModelConfig, base: Path) -> dict[str, Any]:
    """The document `model.json` of a run, schema run_model: the files that ``build`` reads for ``config``, in order of
    path. A model from scratch reads none. Tokenizers are not among them: the data manifest has their digest.

    Raises UsageError for what is not there, UnreadableError for what cannot be read.
    """
    files = []
    if config.path:
        folder = model_folder(config.path, base)
        files = [_file(folder, name) for name in sorted(set(_names(folder, config.gguf)))]
    return {"schema": schema_id("run_model"), "files": files}


def _names(folder: Path, gguf: str) -> Iterator[str]:
    if (folder / GENERATION).is_file():
        yield GENERATION
    if gguf:
        yield check_gguf(folder, gguf).name
        return
    check_model_folder(folder)
    yield CONFIG
    if (folder / WEIGHTS).is_file():
        yield WEIGHTS
    else:
        yield INDEX
        yield from shards(folder)


def _file(folder: Path, name: str) -> dict[str, Any]:
    # A downloaded model often is links into a cache; what they lead to is what is read.
    sha256, size = file_sha256((folder / name).resolve())
    return {"path": encode_name(os.fsencode(name))[0], "size": size, "sha256": sha256}
