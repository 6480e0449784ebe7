"""Small models and samples to evaluate."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from codex_train.data.blocks import Blocks


def gpt2(dropout: float = 0.5) -> GPT2LMHeadModel:
    """A tiny GPT-2 over bytes whose dropout would show in every figure."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=256,
                n_positions=32,
                n_embd=16,
                n_layer=1,
                n_head=2,
                resid_pdrop=dropout,
                embd_pdrop=dropout,
                attn_pdrop=dropout,
                use_cache=False,
            )
        )


def llama() -> LlamaForCausalLM:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=256,
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=32,
                use_cache=False,
            )
        )


def text_blocks(count: int = 7, context: int = 16, seed: int = 0) -> Blocks:
    """Random bytes as text."""
    tokens = np.random.Generator(np.random.PCG64(seed)).integers(1, 256, (count, context)).astype(np.uint16)
    return Blocks(tokens, np.full(count, context - 1, dtype=np.int32), "0" * 64)


def answer_blocks(count: int = 6, context: int = 16) -> Blocks:
    """Rows with a prompt: the targets of row i are 1 + i % 4 tokens from 5 on."""
    plain = text_blocks(count, context, seed=3)
    starts = np.full(count, 5, dtype=np.int32)
    ends = (starts + 1 + np.arange(count) % 4).astype(np.int32)
    return Blocks(plain.tokens, (ends - starts).astype(np.int32), plain.digest, starts, ends)


def random_states() -> list[Any]:
    """The states of every global stream of random numbers, comparable."""
    numeric = np.random.get_state(legacy=False)
    return [
        torch.get_rng_state().tolist(),
        random.getstate(),
        (numeric["state"]["key"].tolist(), numeric["state"]["pos"], numeric["has_gauss"], numeric["gauss"]),
    ]


def frozen_state(model: nn.Module) -> dict[str, bytes]:
    """The bytes of every parameter and buffer of ``model``, those that are never saved too."""
    tensors: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().numpy().tobytes() for name, tensor in tensors.items()}
