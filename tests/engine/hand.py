"""The loop that everybody writes by hand (nanoGPT's, with a transformers model), to hold the engine against."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codex_train.config.load import load_config
from codex_train.engine.run import Given, run_training
from codex_train.models.save import layout_tensors


def compare(kind: str, config: Path, overrides: list[str], folder: Path) -> dict[str, Any]:
    """Trains the same model by hand and with the engine; returns the losses by hand as ``float.hex`` and how many
    tensors there are, and differ to the bit, in the end."""
    loaded = load_config(config, overrides)
    model = language_model(kind, loaded.config.model.options, loaded.config.data.context)
    by_hand = copy.deepcopy(model)
    data = (loaded.base / loaded.config.data.files[0]).read_bytes()
    run = loaded.config.run
    batches = torch.frombuffer(bytearray(data), dtype=torch.uint8).long()
    batches = batches.view(-1, run.batch, loaded.config.data.context)[: run.steps]
    losses = hand(by_hand, batches, loaded.config.optimizer.lr)
    run_training(loaded.config, loaded.base, folder, given=Given(model=model, order=as_they_come))
    ours, theirs = layout_tensors(model), layout_tensors(by_hand)
    assert ours.keys() == theirs.keys()
    return {
        "losses": [float(loss).hex() for loss in losses],
        "tensors": len(ours),
        "different": [name for name in ours if not torch.equal(ours[name], theirs[name])],
        "learnt": losses[-1].item() < losses[0].item(),
    }


def as_they_come(_seed: int, _epoch: int, samples: int) -> NDArray[np.int64]:
    return np.arange(samples)


def language_model(kind: str, options: dict[str, Any], context: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    if kind == "gpt2":
        still = {**options, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=context, use_cache=False, **still))
    return LlamaForCausalLM(
        LlamaConfig(vocab_size=256, max_position_embeddings=context, use_cache=False, **options)
    )


def hand(model: Any, batches: Tensor, lr: float) -> list[Tensor]:
    """The loss of each step. The mean is over the targets, which transformers is told."""
    steps, batch, context = batches.shape
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, (steps - step) / steps))
    targets, losses = torch.tensor(batch * (context - 1)), []
    for ids in batches:
        loss = model(input_ids=ids, labels=ids, num_items_in_batch=targets).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return losses
