"""AdamW over the parameters that are trained."""

from __future__ import annotations

import torch
from torch import nn

from codex_train.config.nouns import OptimizerConfig


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW; weight decay for tensors of two dimensions and more, in a group of their own where there is any."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, object]] = [{"params": trained}]
    if config.weight_decay:
        groups = [
            {"params": [item for item in trained if item.dim() >= 2]},
            {"params": [item for item in trained if item.dim() < 2], "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=config.fused,
    )
