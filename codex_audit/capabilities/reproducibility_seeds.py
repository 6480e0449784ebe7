"""Seeds of the random generators, and the switch to deterministic algorithms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

FRAMEWORK_SEEDS = (
    "torch.manual_seed",
    "torch.random.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.cuda.manual_seed",
    "jax.random.PRNGKey",
    "jax.random.key",
    "tensorflow.random.set_seed",
    "tensorflow.set_random_seed",
    "mlx.core.random.seed",
    "flax.nnx.Rngs",
    "paddle.seed",
    "mxnet.random.seed",
    "haiku.PRNGSequence",
    "torch.xpu.manual_seed*",
    "torch.mps.manual_seed",
    "mindspore.set_seed",
    "oneflow.manual_seed",
)
SEED_ALL_HELPERS = (
    "transformers.set_seed",
    "transformers.trainer_utils.set_seed",
    "transformers.enable_full_determinism",
    "accelerate.utils.set_seed",
    "accelerate.set_seed",
    "pytorch_lightning.seed_everything",
    "pytorch_lightning.utilities.seed.seed_everything",
    "lightning.seed_everything",
    "lightning.pytorch.seed_everything",
    "lightning.fabric.seed_everything",
    "lightning.fabric.utilities.seed.seed_everything",
    "lightning_fabric.utilities.seed.seed_everything",
    "lightning.Fabric().seed_everything",
    "composer.utils.reproducibility.seed_all",
    "monai.utils.set_determinism",
    "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed",
    "fastai.torch_core.set_seed",
    "datasets.utils.set_seed",
    "diffusers.training_utils.set_seed",
    "torch_geometric.seed_everything",
    "torch_geometric.seed.seed_everything",
    "pyro.set_rng_seed",
    "ignite.utils.manual_seed",
    "mmengine.runner.set_random_seed",
    "mmengine.runner.utils.set_random_seed",
    "detectron2.utils.env.seed_all_rng",
    "stable_baselines3.common.utils.set_random_seed",
    "allennlp.common.util.prepare_environment",
    "catalyst.utils.set_global_seed",
)
_GENERATORS = {"python": ("random.seed",), "numpy": ("numpy.random.seed",), "framework": FRAMEWORK_SEEDS}
_SEEDING = re.compile(r"seed|determinis|reproducib", re.IGNORECASE)
_DETERMINISTIC_VARIABLES = ("CUBLAS_WORKSPACE_CONFIG", "TF_DETERMINISTIC_OPS")


def seed(tree: Tree) -> Found:
    return (
        tree.calls(*SEED_ALL_HELPERS, why="seeds with {}")
        | tree.calls(*FRAMEWORK_SEEDS, why="seeds with {}")
        | tree.keyword("deterministic_seed", "random_state", of=("*Trainer",), why="seeds {}")
        | tree.inherited("reproducibility.seed")
        | _numpy_only(tree)
    )


def _numpy_only(tree: Tree) -> Found:
    """Seeding NumPy counts where NumPy is the framework: a tree that uses no other."""
    if tree.calls("torch.*", "jax.*", "tensorflow.*", "keras.*"):
        return NOTHING
    return tree.calls(
        "numpy.random.seed", "numpy.random.default_rng", "random.seed", where=_has_argument, why="seeds {}"
    )


def _has_argument(site: Site) -> bool:
    return bool(site.arguments)


def seed_all(tree: Tree) -> Found:
    return (
        tree.calls(*SEED_ALL_HELPERS, why="seeds all generators with {}")
        | tree.sites(
            _together(tree),
            "seeds Python, NumPy and the framework together ({})",
            ("random.seed, numpy.random.seed and the framework's seed in one place",),
        )
        | tree.inherited("reproducibility.seed-all")
    )


def _together(tree: Tree) -> Iterator[Site]:
    """Functions that seed all three, each of them directly or through a function of the tree that is named after
    seeding: the framework is often optional and stands in a helper."""
    seeded: dict[str, dict[str, Site]] = {}
    for kind, names in _GENERATORS.items():
        for site in tree.call_sites(*names):
            if not tree.why_not(site):
                seeded.setdefault(node_of(site.module, site.scope), {}).setdefault(kind, site)
    helpers = {node for node in seeded if _SEEDING.search(last(node))}
    users = {user for node in helpers for user in tree.uses.users.get(node, ())}
    for node in sorted(seeded.keys() | users):
        made = dict(seeded.get(node, {}))
        for helper in sorted(helpers & tree.uses.edges.get(node, frozenset())):
            made = {**seeded[helper], **made}
        if len(made) == len(_GENERATORS):
            own = seeded.get(node, made)
            yield own.get("framework") or next(iter(own.values()))


def deterministic(tree: Tree) -> Found:
    return (
        tree.calls(
            "torch.use_deterministic_algorithms", where=lambda site: site.argument("mode", 0) != "False"
        )
        | tree.calls(
            "torch.set_deterministic",
            "torch.set_deterministic_debug_mode",
            "transformers.enable_full_determinism",
        )
        | tree.calls("tensorflow.config.experimental.enable_op_determinism", "monai.utils.set_determinism")
        | tree.assigns("torch.backends.cudnn.deterministic", where=_not_false, why="sets {}")
        | tree.keyword(
            "deterministic",
            of=("*Trainer", "*.Trainer", "torch.backends.cudnn.flags", "mmengine.runner.*set_random_seed"),
            where=_asks_determinism,
            why="passes deterministic to {}",
        )
        | tree.keyword("full_determinism", where=lambda site: site.argument("full_determinism") != "False")
        | tree.options(
            "full_determinism",
            "use_deterministic_algorithms",
            "deterministic_algorithms",
            kinds=("flag", "field"),
        )
        | tree.assigns(*(f"os.environ['{name}']" for name in _DETERMINISTIC_VARIABLES), why="sets {}")
        | tree.calls(
            "os.environ.setdefault",
            "os.putenv",
            where=lambda site: site.argument("key", 0)[1:-1] in _DETERMINISTIC_VARIABLES,
            why="asks for determinism with {}",
        )
        | tree.texts(
            r"xla_gpu_deterministic_ops=(true|1)",
            "assigned",
            "argument",
            "element",
            "formatted",
            why="sets {!r}",
        )
        | tree.inherited("reproducibility.deterministic")
    )


def _not_false(site: Site) -> bool:
    return site.assignment is not None and site.assignment.value != "False"


def _asks_determinism(site: Site) -> bool:
    return site.argument("deterministic") not in ("False", "None")
