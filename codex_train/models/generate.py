"""Text from a model, one token after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from codex_evidence.errors import UsageError


def generate(
    model: nn.Module,
    ids: Sequence[int],
    *,
    limit: int,
    end: int | None = None,
    size: int | None = None,
    temperature: float = 0.0,
    top_k: int = 0,
    seed: int = 0,
) -> list[int]:
    """The ids that ``model`` puts after ``ids``: at most ``limit``, up to ``end`` (which is left out) or to the last of
    the model's positions. Of a longer prompt the last part counts; an empty one begins after ``end``. ``size`` is that
    of the tokenizer, beyond which no id means anything: a model may have room for more.

    Temperature 0 takes the likeliest token; otherwise one is drawn among the ``top_k`` likeliest (0: all) from a stream
    of its own that ``seed`` starts. Modes and random streams of the model are as before. Raises UsageError.
    """
    if limit < 1 or temperature < 0 or top_k < 0:
        raise UsageError("limit has to be 1 or more, temperature and top-k 0 or more")
    start = list(ids) or ([] if end is None else [end])
    if not start:
        raise UsageError("the prompt is empty, and there is no end token to begin after; give some text")
    positions = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    room = limit
    if isinstance(positions, int) and positions > 1:
        start = start[-(positions - 1) :]
        room = min(limit, positions - len(start))
    draw = torch.Generator().manual_seed(seed)
    made: list[int] = []
    with _resting(model), torch.no_grad():
        for logits in _predictions(model, start, made, room):
            chosen = _choose(logits[:size], temperature, top_k, draw)
            if chosen == end:
                break
            made.append(chosen)
    return made


def _predictions(model: nn.Module, start: list[int], made: list[int], room: int) -> Iterator[Tensor]:
    """The logits [vocabulary] after ``start`` and ``made``, which the caller extends between two of them."""
    device = next(model.parameters()).device
    fresh, past = start, None
    caches = hasattr(model, "config")  # a model of transformers; others take the ids alone
    for _ in range(room):
        given: dict[str, Any] = {"use_cache": True} if caches else {}
        if past is not None:
            given["past_key_values"] = past
        output = model(input_ids=torch.tensor([fresh], device=device), **given)
        past = getattr(output, "past_key_values", None)
        yield output.logits[0, -1]
        # Some architectures keep no keys and values; they read everything again.
        fresh = [*start, *made] if past is None else made[-1:]


def _choose(logits: Tensor, temperature: float, top_k: int, draw: torch.Generator) -> int:
    # On the CPU and in float64: the draw then depends on the logits alone, not on the device.
    scores = logits.to("cpu", torch.float64)
    if temperature == 0:
        return int(scores.argmax())
    if 0 < top_k < len(scores):
        scores = scores.masked_fill(scores < scores.topk(top_k).values[-1], float("-inf"))
    # The largest first becomes 0, so that no small temperature makes an infinity of it.
    chances = torch.softmax((scores - scores.max()) / temperature, dim=0)
    return int(torch.multinomial(chances, 1, generator=draw))


@contextmanager
def _resting(model: nn.Module) -> Iterator[None]:
    """``model`` without dropout; each module gets its own mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True  # not train(), which would wake frozen branches too
