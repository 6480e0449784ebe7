"""The checks behind the training probes."""

from __future__ import annotations

from codex_audit.query.found import NOTHING, Found, any_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

OPTIMIZERS = (
    "torch.optim.*",
    "transformers.AdamW",
    "transformers.Adafactor",
    "transformers.optimization.AdamW",
    "bitsandbytes.optim.*",
    "apex.optimizers.*",
    "deepspeed.ops.adam.*",
    "optax.apply_updates",
    "flax.nnx.Optimizer",
    "flax.training.train_state.TrainState.create",
    "tensorflow.GradientTape",
    "tensorflow.keras.optimizers.*",
    "keras.optimizers.*",
    "mlx.optimizers.*",
    "paddle.optimizer.*",
)
STEPS = (
    "*.backward",
    "*.step",
    "*.apply_updates",
    "*.apply_gradients",
    "*.manual_backward",
    "*.minimize",
    "*.train_step",
)
CLIPPERS = (
    "torch.nn.utils.clip_grad_norm_",
    "torch.nn.utils.clip_grad_value_",
    "torch.nn.utils.clip_grad_norm",
    "torch.nn.utils.clip_grads_with_norm_",
    "*.clip_grad_norm_",
    "*.clip_grad_value_",
    "*.clip_gradients",
    "optax.clip_by_global_norm",
    "optax.clip",
    "optax.adaptive_grad_clip",
    "optax.clip_by_block_rms",
    "tensorflow.clip_by_global_norm",
    "tensorflow.clip_by_norm",
    "mlx.optimizers.clip_grad_norm",
)
CLIP_OPTIONS = (
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "max_grad_norm",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
)
SCHEDULERS = (
    "torch.optim.lr_scheduler.*",
    "transformers.get_*_schedule*",
    "transformers.optimization.get_*_schedule*",
    "transformers.get_scheduler",
    "transformers.optimization.get_scheduler",
    "diffusers.optimization.get_scheduler",
    "optax.*_schedule",
    "optax.schedules.*",
    "optax.join_schedules",
    "optax.warmup_*",
    "timm.scheduler.*",
    "tensorflow.keras.optimizers.schedules.*",
    "keras.optimizers.schedules.*",
    "keras.callbacks.LearningRateScheduler",
    "keras.callbacks.ReduceLROnPlateau",
    "tensorflow.keras.callbacks.LearningRateScheduler",
    "tensorflow.keras.callbacks.ReduceLROnPlateau",
    "pl_bolts.optimizers.lr_scheduler.*",
    "composer.optim.*Scheduler",
)
MIXED = (
    "torch.autocast",
    "torch.amp.autocast",
    "torch.cuda.amp.autocast",
    "torch.cpu.amp.autocast",
    "torch.cuda.amp.GradScaler",
    "torch.amp.GradScaler",
    "apex.amp.initialize",
    "apex.amp.scale_loss",
    "torch.distributed.fsdp.MixedPrecision",
    "torch.distributed.fsdp.MixedPrecisionPolicy",
    "jmp.get_policy",
    "jmp.Policy",
    "keras.mixed_precision.set_global_policy",
    "tensorflow.keras.mixed_precision.set_global_policy",
    "lightning.fabric.plugins.*Precision",
    "lightning.pytorch.plugins.*Precision*",
    "pytorch_lightning.plugins.*Precision*",
)
MIXED_KEYWORDS = ("fp16", "bf16", "use_amp", "mixed_precision", "amp_backend")
ACCUMULATION = (
    "gradient_accumulation_steps",
    "grad_accumulation_steps",
    "grad_accum_steps",
    "grad_accum",
    "gradient_accumulation",
    "accumulation_steps",
    "accumulate_grad_batches",
    "accum_steps",
    "accum_iter",
    "accum_freq",
    "accumulate_steps",
    "update_freq",
    "num_micro_batches",
    "micro_batch_size",
    "device_train_microbatch_size",
    "per_device_parallelism",
    "gradient_accumulation_iters",
    "iters_to_accumulate",
    "every_k_schedule",
    "grad_accum_every",
)
PARALLEL = (
    "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.parallel.distributed.DistributedDataParallel",
    "torch.distributed.init_process_group",
    "torch.distributed.init_device_mesh",
    "torch.distributed.device_mesh.init_device_mesh",
    "torch.distributed.fsdp.*",
    "torch.distributed.tensor.parallel.*",
    "apex.parallel.DistributedDataParallel",
    "deepspeed.initialize",
    "deepspeed.init_distributed",
    "fairscale.nn.*",
    "jax.pmap",
    "jax.experimental.pjit.pjit",
    "jax.shard_map",
    "jax.experimental.shard_map.shard_map",
    "jax.distributed.initialize",
    "jax.sharding.Mesh",
    "jax.experimental.maps.Mesh",
    "jax.make_mesh",
    "ray.train.*",
    "ray.init",
    "horovod.torch.*",
    "horovod.tensorflow.*",
    "tensorflow.distribute.*Strategy",
    "lightning.fabric.strategies.*",
    "lightning.pytorch.strategies.*",
    "pytorch_lightning.strategies.*",
    "megatron.*.initialize_megatron",
    "mpi4py.MPI.COMM_WORLD",
    "torch_xla.distributed.*",
    "paddle.distributed.init_parallel_env",
)
_SCHEDULE_OPTIONS = (
    "lr_scheduler_type",
    "lr_scheduler",
    "lr_schedule",
    "warmup_steps",
    "warmup_ratio",
    "scheduler",
    "lr_decay_style",
)


def loop(tree: Tree) -> Found:
    return _own_loop(tree) | tree.inherited("training.loop")


def _own_loop(tree: Tree) -> Found:
    """A gradient and an update in one function, at least one of them in a loop; or a jitted step called in one."""
    backward = tree.nodes_calling("*.backward", "*.manual_backward", "*.scale().backward", "jax.grad", "jax.value_and_grad",
                                  "equinox.filter_value_and_grad", "equinox.filter_grad", "flax.nnx.value_and_grad",
                                  "mlx.nn.value_and_grad", "*.gradient")  # fmt: skip
    torch_steps = tree.calls("*.step", "*.optimizer_step", "*.minimize", where=lambda site: _steps_with(tree, site, backward),
                             why="takes an optimizer step in a loop with {}")  # fmt: skip
    functional = tree.calls(
        "optax.apply_updates", "*.apply_updates", "*.apply_gradients", why="updates the parameters with {}"
    )
    driven = tree.calls("*.train_step", "*.training_step", where=lambda site: bool(site.call and site.call.loop),
                        why="calls {} in a loop")  # fmt: skip
    jitted = driven if functional or backward else NOTHING
    return torch_steps | functional | jitted


def _steps_with(tree: Tree, site: Site, backward: frozenset[str]) -> bool:
    """The step stands with a backward pass, and one of the two in a loop here or in a caller."""
    node = tree.node(tree.at(site.module.file, site.line, "", "", "called", site.scope))
    if node not in backward:
        return False
    in_loop = any(
        call.loop
        for call in site.module.facts.calls
        if call.scope == site.scope and last(call.target) == "backward"
    )
    looped = bool(site.call and site.call.loop) or in_loop
    return looped or any(_calls_in_loop(tree, user, site.scope) for user in tree.uses.users.get(node, ()))


def _calls_in_loop(tree: Tree, user: str, scope: str) -> bool:
    module, inner = tree.modules.split(user)
    name = last(scope)
    return module is not None and any(
        call.loop and call.scope == inner and last(call.target) == name for call in module.facts.calls
    )


def trains(tree: Tree) -> bool:
    """Whether anything here trains: the other probes of training mean nothing without it."""
    return bool(loop(tree))


def mixed_precision(tree: Tree) -> Found:
    return (
        tree.calls(*MIXED, why="trains in mixed precision with {}")
        | tree.keyword(
            "precision",
            of=("*Trainer", "*.Fabric", "lightning.*", "pytorch_lightning.*"),
            where=_precision_given,
        )
        | tree.keyword(
            *MIXED_KEYWORDS,
            of=("*.TrainingArguments", "*Config", "*Arguments", "accelerate.Accelerator", "*Trainer"),
        )
        | tree.options(
            "fp16",
            "bf16",
            "use_amp",
            "mixed_precision",
            "amp",
            "use_mixed_precision",
            kinds=("flag", "field", "key"),
        )
        | tree.options("mp", kinds=("field",), where=lambda option: "Policy" in option.annotation)
        | tree.inherited("training.mixed-precision")
        if trains(tree)
        else NOTHING
    )


def _precision_given(site: Site) -> bool:
    return site.argument("precision") not in ("", "32", "'32'", "'32-true'", "None")


def accumulation(tree: Tree) -> Found:
    options = tree.options(*ACCUMULATION, kinds=("flag", "field", "key", "parameter"))
    calls = tree.keyword("gradient_accumulation_steps", "accumulate_grad_batches", where=lambda site: True)
    multi = tree.calls("optax.MultiSteps", why="accumulates with {}")
    return options | calls | multi | tree.inherited("training.accumulation") if trains(tree) else NOTHING


def clipping(tree: Tree) -> Found:
    return (
        tree.calls(*CLIPPERS, why="clips gradients with {}")
        | tree.keyword(
            *CLIP_OPTIONS,
            of=("*Trainer", "*TrainingArguments", "*Arguments", "*.Fabric", "*optimizers.*", "*Config"),
        )
        | tree.inherited("training.clipping")
    )


def schedule(tree: Tree) -> Found:
    return (
        tree.calls(*SCHEDULERS, why="builds a schedule with {}")
        | _own_schedule(tree)
        | tree.subclasses("torch.optim.lr_scheduler.*", why="a schedule derived from {}")
        | tree.inherited("training.schedule")
    )


def _own_schedule(tree: Tree) -> Found:
    """A hand-written schedule: a rate computed and set on the optimizer's groups at each step."""
    setting = tree.assigns("*['lr']", why="sets the learning rate of each step")
    computed = tree.functions(
        lambda module, function: (
            last(function.name) in ("get_lr", "lr_schedule", "get_learning_rate", "adjust_learning_rate")
            and not function.stub
        ),
        why="computes the learning rate in {}",
        looked_for="a hand-written schedule",
    )
    return (
        (computed & setting) | tree.calls("*.set_lr", why="sets the rate with {}")
        if setting or computed
        else NOTHING
    )


def distributed(tree: Tree) -> Found:
    if not trains(tree):
        return NOTHING
    return (
        tree.calls(*PARALLEL, why="trains on several processes with {}")
        | tree.references("torch.nn.parallel.DistributedDataParallel", "torch.distributed.fsdp.FullyShardedDataParallel", "jax.sharding.Mesh",
                          why="wraps the model with {}")
        | tree.keyword("strategy", "devices", "num_nodes", of=("*Trainer", "*.Fabric"), where=_several)
        | tree.settings("*.yaml *.yml", r"(.*\.)?(distributed_type|fsdp_config\..*|deepspeed_config\..*|zero_stage)")
        | tree.settings("*.json", r"zero_optimization\.stage")
        | tree.inherited("training.distributed")
    )  # fmt: skip


def _several(site: Site) -> bool:
    """A strategy, or a number of devices that is not fixed to one."""
    if site.has("strategy") and site.argument("strategy") not in ("'auto'", "None"):
        return True
    return any(site.argument(name) not in ("", "1", "None") for name in ("devices", "num_nodes"))


def tests(tree: Tree) -> Found:
    return tree.tests_reaching(_steps(tree), why="trains")


def _steps(tree: Tree) -> Found:
    """Everything that takes a step: own loops, their callers' drivers, and library trainers."""
    fitted = tree.calls("*.fit", "*Trainer().train", why="trains with {}")
    return any_of((loop(tree), fitted, tree.calls("*.apply_updates", "*.apply_gradients")))
