"""A tiny training in a process of its own: its digests must be the same each time.

``python -m codex_train.screens.tiny`` prints a JSON object: the environment as it would be recorded, and for each kind
of device the digest of losses and weights after a few steps.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import torch
from torch import nn

from codex_train.config.nouns import RunConfig
from codex_train.engine.settings import settle
from codex_train.recorder.environment import CLASS_VARIABLES, DETAIL_VARIABLES, record_environment

STEPS = 3
_VOCABULARY, _WIDTH, _HEADS, _CONTEXT, _BATCH = 256, 64, 4, 64, 8


class _Tiny(nn.Module):
    """One block of a transformer: the kernels that a language model spends its time in."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_VOCABULARY, _WIDTH)
        self.norm = nn.LayerNorm(_WIDTH)
        self.mix = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.wide = nn.Sequential(nn.Linear(_WIDTH, 4 * _WIDTH), nn.SiLU(), nn.Linear(4 * _WIDTH, _WIDTH))
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """ids [batch, context] to logits [batch, context, vocabulary]."""
        x = self.embedding(ids)
        heads = self.mix(self.norm(x)).unflatten(-1, (3 * _HEADS, -1)).transpose(1, 2)
        query, key, value = heads.chunk(3, dim=1)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.dropout(mixed.transpose(1, 2).flatten(2))
        return nn.functional.linear(x + self.wide(x), self.embedding.weight)


def trained_digest(device: str) -> str:
    """SHA-256 of losses and weights after STEPS steps of AdamW from a fixed seed."""
    torch.manual_seed(1)
    model = _Tiny().to(device)
    ids = torch.randint(_VOCABULARY, (STEPS, _BATCH, _CONTEXT + 1)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    digest = hashlib.sha256()
    for batch in ids:
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        digest.update(float(loss.item()).hex().encode())
    for _, weight in sorted(model.state_dict().items()):
        digest.update(weight.cpu().numpy().tobytes())
    return digest.hexdigest()


def main() -> int:
    kinds = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    settle(RunConfig(), kinds[-1])
    digests = {kind: trained_digest(kind) for kind in kinds}
    environment = record_environment(code=None).document
    found: dict[str, Any] = {
        "digests": digests,
        "class": environment["class"],
        "detail": {key: value for key, value in environment["detail"].items() if key != "packages"},
        "packages": len(environment["detail"]["packages"]),
        "recordable_variables": [*CLASS_VARIABLES, *DETAIL_VARIABLES],
    }
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
