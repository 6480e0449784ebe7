"""The checks behind the training probes."""

from __future__ import annotations

import re

from codex_audit.capabilities.training_loops import DEPTH, TRAINERS, loops, reached
from codex_audit.facts.model import Function
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
MIXED_OPTIONS = tuple(
    (
        "fp16 bf16 use_amp use_fp16 use_bf16 mixed_precision use_mixed_precision amp enable_amp amp_dtype "
        "half_precision use_autocast fp16_training bf16_training mixed_precision_training amp_level fp16_opt_level"
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
_ACCUMULATES = re.compile(r"grad\w*_accum|accum\w*_grad|microbatch")
_COUNTS = re.compile(r"micro|accum|batch|parallelism|steps")
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
_CLIPS = re.compile(
    r"_*(?:clip_grad(?:s|ients?)?(?:_\w+)?|(?:adaptive_grad_)?clip_by_(?:global_)?norm|adaptive_grad_clip)_?"
)
CLIP_KEYWORDS = tuple(
    (
        "gradient_clip_val max_grad_norm clipnorm global_clipnorm clipvalue grad_clip gradient_clipping "
        "clip_grad_norm max_gradient_norm"
    ).split()
)
_NO_VALUE = ("False", "None", "0", "0.0", "''", "'no'", "'32'", "32", "'32-true'", "'fp32'", "'float32'")


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
        | _own_accumulation(tree)
        | tree.inherited("training.accumulation")
    )


def _own_accumulation(tree: Tree) -> Found:
    """A function of the tree that sums gradients over micro-batches, called with a number that is a setting."""

    def sized(site: Site) -> bool:
        own = _ACCUMULATES.search(last(site.target)) and tree.modules.split(site.target)[0] is not None
        return bool(own) and any(
            "." in item.value
            and last(item.value).lower() in tree.index.options
            and _COUNTS.search(last(item.value))
            for item in site.arguments
        )

    return tree.calls(
        "*.*accum*", "*.microbatch*", where=sized, why="accumulates with {}, as the settings say"
    )


def _is_setting(site: Site) -> bool:
    """A number at the top of a script, where its users set it."""
    return not site.scope and site.assignment is not None


def clipping(tree: Tree) -> Found:
    return (
        tree.calls(*CLIPPERS, why="clips gradients with {}")
        | tree.functions(_is_clipper, why="clips gradients in {}", looked_for="a function that clips gradients")
        | tree.references("composer.algorithms.GradientClipping", why="offers {}")
        | tree.items("gradient_clipping", "gradient_clip_val", where=_is_switch)
        | reached(
            tree,
            tree.keyword(*CLIP_KEYWORDS, of=(*TRAINERS, "*.optim*.*"), where=_clips, why="clips through {}")
            | tree.settings("*.yaml *.yml *.json", r"(.*\.)?(gradient_clipping|gradient_clip_val|max_grad_norm)")
            | tree.inherited("training.clipping"),
        )
    )  # fmt: skip


def _is_switch(module: Module, scope: str, value: str) -> bool:
    """A value of a run's settings; not a name in a table of types, nor an attribute that is described."""
    return value not in _NO_VALUE and not value.startswith(("'", "torch.", "jax.", ":"))


def _is_clipper(module: Module, function: Function) -> bool:
    return not function.stub and _CLIPS.fullmatch(last(function.name)) is not None


def _clips(site: Site) -> bool:
    given = (site.argument(name) for name in CLIP_KEYWORDS)
    return any(value and value not in _NO_VALUE for value in given)


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
        if _steps(tree, module, function.name)
    }
    own = tree.tests_running(stepping & set(optimizers), why="steps an optimizer of the tree")
    return tree.tests_reaching(loops(tree), why="trains") | own


def _steps(tree: Tree, module: Module, scope: str) -> bool:
    called = {last(call.target) for call in tree.index.calls_in(module, scope)}
    return bool(called & {"apply_updates", "apply_gradients"}) or {"backward", "step"} <= called
