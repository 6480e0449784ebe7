"""The programs that tests rewrite, and what is said of each before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tests.hostile.answers import Proofs, proofs, verdicts
from tests.hostile.jax_tree import JAX_TREE
from tests.hostile.torch_tree import TORCH_TREE
from tests.hostile.trainer_trees import HF_TREE, LIGHTNING_TREE
from tests.query.trees import tree_of

PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "torch": TORCH_TREE,
    "transformers": HF_TREE,
    "lightning": LIGHTNING_TREE,
    "jax": JAX_TREE,
}


@cache
def verdicts_of(name: str) -> dict[str, str]:
    """The verdicts about ``PROGRAMS[name]`` as it stands."""
    return verdicts(tree_of(PROGRAMS[name]))


@cache
def proofs_of(name: str) -> Proofs:
    """The evidence about ``PROGRAMS[name]`` as it stands."""
    return proofs(tree_of(PROGRAMS[name]))
