"""Models that are built in milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codex_train.config.nouns import ModelConfig
from codex_train.models.build import build
from codex_train.models.save import layout_tensors

LLAMA: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
GPT2: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 2}
OPTIONS = {"llama": LLAMA, "qwen2": LLAMA, "gpt2": GPT2}


def made(architecture: str = "llama", *, seed: int = 7, context: int = 32, **options: Any) -> Any:
    """A tiny model with a vocabulary of bytes."""
    config = ModelConfig(architecture=architecture, options=OPTIONS[architecture] | options)
    return build(config, vocabulary=256, context=context, seed=seed, end=0)


def loaded(folder: Path, **settings: Any) -> Any:
    """The model in ``folder``."""
    config = ModelConfig(path=str(folder), **settings)
    return build(config, vocabulary=256, context=32, seed=0)


def stirred(model: nn.Module) -> None:
    """Gives every trained weight of ``model`` new values, as training would."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn(weight.shape, generator=draw).to(weight.dtype) * 0.05)


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    """Whether both hold the same names, types and bits."""
    return left.keys() == right.keys() and all(
        tensor.dtype == right[name].dtype and torch.equal(tensor, right[name])
        for name, tensor in left.items()
    )


def bits(model: nn.Module) -> dict[str, Tensor]:
    """Copies of what a checkpoint of ``model`` would hold."""
    return {name: tensor.clone() for name, tensor in layout_tensors(model).items()}
