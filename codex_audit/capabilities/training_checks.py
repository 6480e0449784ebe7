"""The checks behind the training probes."""

from __future__ import annotations

import re

from codex_audit.capabilities.training_loops import DEPTH, LIGHTNING, loops
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.options import Option
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

MIXED = (
    "torch.autocast",
    "torch.*.autocast",
    "torch.distributed.fsdp.*MixedPrecision*",
    "jmp.get_policy",
    "jmp.Policy",
    "keras.*.set_global_policy",
    "keras.*.set_dtype_policy",
    "keras.config.set_dtype_policy",
    "tensorflow.keras.mixed_precision.*",
    "lightning.*Precision*",
    "pytorch_lightning.*Precision*",
    "torchao.float8.convert_to_float8_training",
    "transformer_engine.pytorch.fp8_autocast",
)
TRAINERS = (
    "*Trainer",
    "*TrainingArguments",
    "*Fabric",
    "accelerate.Accelerator",
    "trl.*Config",
    "*LightningCLI",
)
MIXED_OPTIONS = tuple(
    (
        "fp16 bf16 use_amp use_fp16 use_bf16 mixed_precision use_mixed_precision amp enable_amp amp_dtype "
        "use_autocast fp16_training bf16_training mixed_precision_training amp_level fp16_opt_level"
    ).split()
)
ACCUMULATION = tuple(
    (
        "grad*_accum* accumulate_grad* accum*_grad* accumulation_steps accum_iter* accum_freq accum_steps "
        "accumulate_steps gradient_accumulate* iters_to_accumulate update_freq num_micro*batches "
        "micro*batch_size* microbatch_size device_train_microbatch_size "
        "every_k_schedule step*_per_update batch_split grad_acc grad_acc_* accumulate_every* "
        "batches_per_update"
    ).split()
)
CLIPPERS = (
    "torch.nn.utils.clip_grad*",
    "torch.nn.utils.*.clip_grad*",
    "*.clip_grad_norm_",
    "*.clip_grad_value_",
    "*.clip_grad_norm",
    "*.clip_gradients",
    "*.dispatch_clip_grad",
    "*.clip_grad_by_global_norm",
    "optax.clip",
    "optax.clip_by_*",
    "optax.adaptive_grad_clip",
    "tensorflow.clip_by_global_norm",
    "tensorflow.clip_by_norm",
    "mlx.optimizers.clip_grad_norm",
    "paddle.nn.ClipGrad*",
    "mxnet.gluon.utils.clip_global_norm",
)
CLIP_KEYWORDS = tuple(
    (
        "gradient_clip_val max_grad_norm clipnorm global_clipnorm clipvalue grad_clip gradient_clipping "
        "clip_grad_norm max_gradient_norm"
    ).split()
)
SCHEDULERS = (
    "torch.optim.lr_scheduler.*",
    "transformers.get_*_schedule*",
    "transformers.optimization.get_*_schedule*",
    "transformers.get_scheduler",
    "transformers.optimization.get_scheduler",
    "diffusers.optimization.get_*",
    "optax.*_schedule*",
    "optax.join_schedules",
    "timm.scheduler.*",
    "tensorflow.keras.optimizers.schedules.*",
    "tensorflow.train.*_decay",
    "keras.optimizers.schedules.*",
    "keras.*.LearningRateScheduler",
    "keras.*.ReduceLROnPlateau",
    "tensorflow.keras.callbacks.LearningRateScheduler",
    "tensorflow.keras.callbacks.ReduceLROnPlateau",
    "mlx.optimizers.*_decay",
    "mlx.optimizers.*schedule*",
    "ignite.handlers.*Scheduler*",
    "*.fit_one_cycle",
    "paddle.optimizer.lr.*",
)
SCHEDULE_BASES = tuple(
    (
        "torch.optim.lr_scheduler.* keras.*LearningRateSchedule tensorflow.keras.*Schedule "
        "timm.scheduler.*Scheduler"
    ).split()
)
SCHEDULE_KEYWORDS = ("lr_scheduler_type", "warmup_steps", "warmup_ratio", "lr_scheduler_kwargs")
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
)
_ONE = ("", "1", "None", "'1'", "[0]", "(0)")
_NO_VALUE = ("False", "None", "0", "0.0", "''", "'no'", "'32'", "32", "'32-true'", "'fp32'", "'float32'")
_RATE = re.compile(
    r"(?:adjust|set|get|update|compute|schedule)?_?(?:lr|learning_rate)(?:_schedule\w*|_lambda|_at)?"
)


def mixed_precision(tree: Tree) -> Found:
    scaled = tree.calls("torch.*GradScaler", "apex.amp.*", why="scales gradients with {}")
    if not loops(tree):
        return scaled
    return (
        scaled
        | tree.calls(*MIXED, where=_is_on, why="trains in mixed precision with {}")
        | tree.keyword("precision", "mixed_precision", "fp16", "bf16", of=TRAINERS, where=_asks_precision)
        | tree.options(*MIXED_OPTIONS)
        | tree.options("mp", "precision", where=_chooses_precision)
        | tree.options("*dtype", kinds=("flag", "field"), where=_half_by_default)
        | tree.items("fp16", "bf16", where=_is_switch)
        | tree.settings("*.yaml *.yml *.json", r"(.*\.)?(mixed_precision|(bf16|fp16)\.enabled)")
        | tree.inherited("training.mixed-precision")
    )


def _is_on(site: Site) -> bool:
    return site.argument("enabled") != "False"


def _asks_precision(site: Site) -> bool:
    given = (site.argument(name) for name in ("precision", "mixed_precision", "fp16", "bf16"))
    return any(value and value not in _NO_VALUE for value in given)


def _chooses_precision(option: Option) -> bool:
    said = f"{option.default} {option.annotation}"
    return option.kind == "flag" or bool(re.search(r"16|32|Policy|mixed", said))


def _half_by_default(option: Option) -> bool:
    return "float16" in option.default


def accumulation(tree: Tree) -> Found:
    if not loops(tree):
        return NOTHING
    return (
        tree.options(*ACCUMULATION, where=lambda option: "test" not in option.scope.lower())
        | tree.keyword("gradient_accumulation_steps", "accumulate_grad_batches", why="accumulates through {}")
        | tree.items("gradient_accumulation_steps", "accumulate_grad_batches")
        | tree.assigns("gradient_accumulation_steps", where=_is_setting, why="a setting of the script: {}")
        | tree.calls("optax.MultiSteps", "optax.apply_every", "*.accumulate", why="accumulates with {}")
        | tree.inherited("training.accumulation")
    )


def _is_setting(site: Site) -> bool:
    """A number at the top of a script, where its users set it."""
    return not site.scope and site.assignment is not None


def clipping(tree: Tree) -> Found:
    return (
        tree.calls(*CLIPPERS, why="clips gradients with {}")
        | tree.references("composer.algorithms.GradientClipping", why="offers {}")
        | tree.keyword(*CLIP_KEYWORDS, of=(*TRAINERS, "*.optim*.*"), where=_clips, why="clips through {}")
        | tree.items("gradient_clipping", "gradient_clip_val", where=_is_switch)
        | tree.settings("*.yaml *.yml *.json", r"(.*\.)?(gradient_clipping|gradient_clip_val|max_grad_norm)")
        | tree.inherited("training.clipping")
    )  # fmt: skip


def _is_switch(module: Module, scope: str, value: str) -> bool:
    """A value of a run's settings; not a name in a table of types, nor an attribute that is described."""
    return value not in _NO_VALUE and not value.startswith(("'", "torch.", "jax.", ":"))


def _clips(site: Site) -> bool:
    given = (site.argument(name) for name in CLIP_KEYWORDS)
    return any(value and value not in _NO_VALUE for value in given)


def schedule(tree: Tree) -> Found:
    return (
        tree.calls(*SCHEDULERS, why="builds a schedule with {}")
        | tree.references("composer.optim.*Scheduler*", why="offers {}")
        | tree.subclasses(*SCHEDULE_BASES, why="a schedule derived from {}")
        | tree.keyword(*SCHEDULE_KEYWORDS, of=(*TRAINERS, "*Arguments"), why="hands a schedule to {}")
        | _own_schedule(tree)
        | tree.inherited("training.schedule")
    )


def _own_schedule(tree: Tree) -> Found:
    """A rate that is computed and set on the optimizer's groups, or by a setter."""
    groups = tree.assigns("*", where=_sets_rate, why="sets the learning rate of the optimizer")
    setters = tree.calls(
        "*.set_lr", "*.set_learning_rate", "*.adjust_learning_rate", why="sets the rate with {}"
    )
    return groups | (setters & _computed(tree))


def _sets_rate(site: Site) -> bool:
    """``group["lr"] = value``, with a value that is not fixed."""
    value = site.assignment.value if site.assignment is not None else ""
    return site.target.endswith("['lr']") and not re.fullmatch(r"\d[\d.e-]*|.*\.(?:lr|learning_rate)", value)


def _computed(tree: Tree) -> Found:
    return tree.functions(
        lambda module, function: not function.stub and _RATE.fullmatch(last(function.name)) is not None,
        why="computes the learning rate in {}",
        looked_for="a function that computes the learning rate",
    )


def distributed(tree: Tree) -> Found:
    if not loops(tree):
        return NOTHING
    return (
        tree.calls(*PARALLEL, why="trains on several processes with {}")
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


def tests(tree: Tree) -> Found:
    """Tests that run a loop of the tree, or step an optimizer that the tree built."""
    optimizers = tree.index.runs.reaching(
        tree.nodes_calling("optax.*", "torch.optim.*", "keras.optimizers.*"), DEPTH
    )
    stepping = {
        node_of(module, function.name)
        for module in tree.modules.every
        if "test" in module.file.facets
        for function in module.facts.functions
        if _steps(module, function.name)
    }
    own = tree.tests_running(stepping & set(optimizers), why="steps an optimizer of the tree")
    return tree.tests_reaching(loops(tree), why="trains") | own


def _steps(module: Module, scope: str) -> bool:
    called = {last(call.target) for call in module.facts.calls if call.scope == scope}
    return bool(called & {"apply_updates", "apply_gradients"}) or {"backward", "step"} <= called
