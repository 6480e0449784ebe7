"""The order of samples, and who controls it."""

from __future__ import annotations

from codex_audit.capabilities.data_words import DATA_SCOPE, about_data, words_of_scope
from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

GLOBAL_SEEDS = (
    "torch.manual_seed",
    "torch.random.manual_seed",
    "numpy.random.seed",
    "random.seed",
    "tensorflow.random.set_seed",
    "tensorflow.set_random_seed",
    "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed",
    "transformers.set_seed",
    "transformers.trainer_utils.set_seed",
    "accelerate.utils.set_seed",
    "*.seed_everything",
    "*.seed_all",
    "*.set_global_seed",
    "*.set_random_seed",
    "*.set_all_seeds",
    "mlx.core.random.seed",
)
SHUFFLERS = (
    "random.shuffle",
    "numpy.random.shuffle",
    "numpy.random.permutation",
    "torch.randperm",
    "torch.utils.data.RandomSampler",
    "torch.utils.data.sampler.RandomSampler",
    "torch.utils.data.WeightedRandomSampler",
    "torch.utils.data.sampler.WeightedRandomSampler",
    "torch.utils.data.SubsetRandomSampler",
    "torch.utils.data.sampler.SubsetRandomSampler",
    "torch.utils.data.random_split",
    "sklearn.utils.shuffle",
)
SEEDED_SHUFFLERS = (
    "jax.random.permutation",
    "jax.random.shuffle",
    "jax.random.choice",
    "*.default_rng().permutation",
    "*.default_rng().shuffle",
    "*.default_rng().choice",
    "*.RandomState().permutation",
    "*.RandomState().shuffle",
    "*.RandomState().choice",
    "random.Random().shuffle",
    "random.Random().sample",
    "random.Random().choices",
    "grain.*Shuffle*",
    "torch.utils.data.distributed.DistributedSampler",
    "torch.utils.data.DistributedSampler",
    "litdata.StreamingDataLoader",
)
DRAWS = (
    "jax.random.randint",
    "jax.random.choice",
    "*.default_rng().integers",
    "*.RandomState().randint",
    "random.Random().randint",
    "random.Random().randrange",
    "random.Random().choice",
    "torch.randint",
    "numpy.random.randint",
    "random.randint",
    "random.randrange",
)
# Words of the functions that walk through the data.
STEPS = frozenset(
    (
        "train training epoch epochs batch batches fit shuffle shuffled main permutation reorder buffer rollout replay"
    ).split()
)
# Draws from a global generator, which only a seed set elsewhere makes repeatable.
UNSEEDED = ("torch.", "numpy.random.", "random.rand")


def shuffle(tree: Tree) -> Found:
    seeds = tree.calls(*GLOBAL_SEEDS, where=_has_argument) | tree.inherited("reproducibility.seed")
    plain = tree.calls(
        *SHUFFLERS, where=_orders_data, why="shuffles with {} under the seed of the program"
    ) | tree.keyword(
        "shuffle",
        of=("*DataLoader", "*Loader", "*.fit", "*Dataset", "*Sampler"),
        where=_shuffles,
        why="shuffles in {} under the seed of the program",
    )
    plain = plain | tree.items("shuffle", where=_asks_a_loader, why="asks a loader to shuffle")
    drawn = tree.calls(*DRAWS, where=_draws_order, why="draws the order of samples with {}")
    if not seeds:
        plain = plain.as_near("shuffles, but nothing sets a seed")
        drawn = drawn.where(
            lambda item: not item.symbol.startswith(UNSEEDED), "draws, but nothing sets a seed"
        )
    return (
        drawn
        | plain
        | tree.calls(*SEEDED_SHUFFLERS, where=_orders_data, why="shuffles with the seeded {}")
        | tree.keyword(
            "seed",
            "random_state",
            "generator",
            "rng",
            of=(
                "*.shuffle",
                "*Sampler",
                "*DataLoader",
                "*random_split",
                "*train_test_split",
                "*.permutation",
                "*.sample",
                "torch.randperm",
                "*ShuffleSplit",
                "*Fold",
            ),
            where=_seeded,
            why="seeds {}",
        )
        | tree.keyword(
            "shuffle_seed",
            "data_seed",
            "shuffle_key",
            where=lambda site: last(site.target) != "add_argument",
            why="seeds {}",
        )
        | tree.subclasses(
            "torch.utils.data.DistributedSampler",
            "torch.utils.data.distributed.DistributedSampler",
            why="samples by a seeded {}",
        )
        | tree.inherited("data.shuffle")
    )


def _has_argument(site: Site) -> bool:
    return bool(site.arguments)


def _orders_data(site: Site) -> bool:
    """A sampler orders data wherever it is made; a bare permutation only in code about data or training."""
    if (
        last(site.target).endswith(("Sampler", "random_split", "StreamingDataLoader"))
        or "grain" in site.target
    ):
        return True
    tensors = (
        site.target.startswith(("keras.random", "tensorflow.random")) or ".random.shuffle" in site.target
    )
    if tensors and not words_of_scope(site.scope) & DATA_SCOPE:
        return site.target.startswith(("random.", "numpy.")) and about_data(site.module.path, site.scope)
    return (
        about_data(site.module.path, site.scope) or bool(words_of_scope(site.scope) & STEPS) or not site.scope
    )


def _draws_order(site: Site) -> bool:
    """A draw of indices by what makes batches or a shuffle buffer."""
    return bool(words_of_scope(site.scope) & {"batch", "shuffle", "shuffled", "shuffling"})


def _asks_a_loader(module: Module, scope: str, value: str) -> bool:
    """``{"shuffle": True}`` where the same function makes a loader."""
    made = {last(call.target) for call in module.facts.calls if call.scope == scope}
    return value == "True" and any(name.endswith("Loader") for name in made)


def _shuffles(site: Site) -> bool:
    return site.argument("shuffle") not in ("False", "None", "0")


def _seeded(site: Site) -> bool:
    return _orders_data(site) and any(
        site.argument(name) not in ("", "None") for name in ("seed", "random_state", "generator", "rng")
    )
