"""Training on more than one process or device."""

from __future__ import annotations

from codex_audit.capabilities.training_loops import LIGHTNING, loops
from codex_audit.query.found import Found
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

# What serves training alone: gradients are averaged by nothing else.
WRAPPERS = (
    "torch.nn.parallel.*DistributedDataParallel",
    "torch.distributed.fsdp.Fully*Parallel",
    "torch.distributed.fsdp.*fully_shard",
    "torch.distributed.*fully_shard",
    "apex.parallel.DistributedDataParallel",
    "fairscale.nn.*Parallel",
    "deepspeed.initialize",
)
LEARNS = ("*.backward", "*GradScaler")
OPTIMIZERS = ("torch.optim.Optimizer", "torch.optim.*.Optimizer")
PARALLEL = (
    "torch.nn.parallel.*DistributedDataParallel",
    "torch.distributed.init_process_group",
    "torch.distributed.*init_device_mesh",
    "torch.distributed.fsdp.*",
    "torch.distributed.tensor.parallel.*",
    "apex.parallel.DistributedDataParallel",
    "deepspeed.initialize",
    "deepspeed.init_distributed",
    "fairscale.nn.*Parallel",
    "colossalai.*",
    "jax.pmap",
    "*.pjit",
    "*.shard_map",
    "jax.distributed.initialize",
    "jax.sharding.*",
    "jax.experimental.*Mesh",
    "jax.make_mesh",
    "ray.train.*",
    "horovod.*.init",
    "tensorflow.distribute.*Strategy*",
    "keras.distribution.*",
    "lightning.*Strategy",
    "pytorch_lightning.*Strategy",
    "megatron.*initialize_megatron",
    "megatron.*initialize_model_parallel",
    "torch_xla.distributed.*",
    "paddle.distributed.init_parallel_env",
    "composer.utils.dist.*",
    "mlx.nn.average_gradients",
    "mlx.nn.utils.average_gradients",
    "mlx.nn.fsdp_apply_gradients",
)
_ONE = ("", "1", "None", "'1'", "[0]", "(0)")


def distributed(tree: Tree) -> Found:
    wrapped = _wrapped(tree)
    if not loops(tree):
        return wrapped
    return (
        wrapped
        | tree.calls(*PARALLEL, why="trains on several processes with {}")
        | tree.references("torch.nn.parallel.Distributed*Parallel", "torch.distributed.fsdp.Fully*Parallel")
        | tree.calls(*LIGHTNING, where=_spreads, why="{} uses every device it is given")
        | tree.keyword("strategy", "devices", "num_nodes", of=("*Fabric", "*.Trainer"), where=_several)
        | tree.settings("*.yaml *.yml", r"(.*\.)?(distributed_type|fsdp_config\..*|deepspeed_config\..*)")
        | tree.settings("*.json", r"zero_optimization\.stage")
        | tree.items("zero_optimization")
        | tree.inherited("training.distributed")
    )  # fmt: skip


def _spreads(site: Site) -> bool:
    """Lightning takes all devices that it finds unless it is told one."""
    given = [site.argument(name) for name in ("devices", "gpus", "num_processes") if site.has(name)]
    return all(value not in _ONE for value in given)


def _several(site: Site) -> bool:
    """A strategy, or a number of devices that is not fixed to one."""
    if site.argument("strategy") not in ("", "'auto'", "None"):
        return True
    return any(site.argument(name) not in _ONE for name in ("devices", "num_nodes"))


def _wrapped(tree: Tree) -> Found:
    """Wrappers that only training needs count without a loop of the tree, in a library that has parts of training."""
    wrappers = tree.calls(*WRAPPERS, why="wraps a model for training with {}")
    learns = wrappers and (tree.calls(*LEARNS) or tree.subclasses(*OPTIMIZERS))
    return wrappers if learns else wrappers.as_near("nothing here takes a gradient")
