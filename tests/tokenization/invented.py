"""A corpus that imports nothing heavy."""

from __future__ import annotations

import random


def corpus() -> list[str]:
    """Words of a small invented language, frequent ones far more often than others: many ties, many merges."""
    draw = random.Random(4)  # noqa: S311 - a fixed text, no secret
    parts = ["ka", "lo", "mi", "ne", "tu", "ra", "si", "vo", "é", "ß", "漢", "x1", "."]
    words = ["".join(draw.choices(parts, k=draw.randint(1, 5))) for _ in range(300)]
    weights = [1 / rank for rank in range(1, 301)]
    return [" ".join(draw.choices(words, weights, k=400)) + "\n" for _ in range(20)]


TEXTS = corpus()
