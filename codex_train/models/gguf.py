"""Weights in GGUF files, the format of llama.cpp: turned into an ordinary model that can be trained and saved."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.names import shown
from codex_train.models.nearest import one_line


def load_gguf(path: Path, *, dtype: torch.dtype, attention: str) -> PreTrainedModel:
    """The model in the GGUF file ``path``, its weights expanded to ``dtype``.

    Raises UsageError when the package gguf is missing, UnreadableError for a file that cannot be used.
    """
    check_package()
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=dtype, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a damaged or unknown file fails in many ways
        raise UnreadableError(f"{shown(path)} cannot be loaded as GGUF: {one_line(error)}") from error
    return _unquantized(loaded, dtype, attention)


def check_package() -> None:
    """Raises UsageError when GGUF files cannot be read here."""
    if find_spec("gguf") is None:
        raise UsageError("GGUF files need the package gguf: pip install gguf")


def _unquantized(loaded: PreTrainedModel, dtype: torch.dtype, attention: str) -> PreTrainedModel:
    """The same weights in a model that was never quantized: the library refuses to save one that says it was."""
    settings = loaded.config.to_dict()
    for name in ("quantization_config", "_name_or_path", "torch_dtype", "dtype"):
        settings.pop(name, None)
    kind: Any = type(loaded)
    clean = kind._from_config(
        type(loaded.config).from_dict(settings), dtype=dtype, attn_implementation=attention
    )
    clean.load_state_dict(loaded.state_dict(), strict=True)
    clean.generation_config = loaded.generation_config
    assert isinstance(clean, PreTrainedModel)  # noqa: S101 - the class method is not typed
    return clean
