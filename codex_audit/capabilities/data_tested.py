"""Tests of data code."""

from __future__ import annotations

from codex_audit.capabilities.data_cache import cache
from codex_audit.capabilities.data_order import shuffle
from codex_audit.capabilities.data_reading import streaming
from codex_audit.capabilities.data_records import validation
from codex_audit.capabilities.data_splits import split
from codex_audit.capabilities.data_words import MODEL_WORD, about_data
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.tree import Tree


def tests(tree: Tree) -> Found:
    prepared = split(tree) | shuffle(tree) | streaming(tree) | cache(tree) | validation(tree)
    about = Found(
        evidence=tuple(
            item
            for item in prepared.evidence
            if item.scope
            and about_data(item.path, item.scope)
            and not MODEL_WORD.search(f"{item.path}/{item.scope}")
        )
    )
    return tree.tests_reaching(about | _loaders(tree), why="runs data code", depth=6)


def _loaders(tree: Tree) -> Found:
    if not tree.has_code:
        return NOTHING
    return tree.subclasses(
        "torch.utils.data.*Dataset",
        "torch.utils.data.*Sampler",
        "torch.utils.data.*.Sampler",
        "torch.utils.data.*.Dataset",
        "*.LightningDataModule",
        "torch.utils.data.DataLoader",
        "datasets.*Builder",
        "keras.utils.Sequence",
        "tensorflow.keras.utils.Sequence",
    )
