"""Where a tree trains: own loops, updates of functional frameworks, and trainers of libraries."""

from __future__ import annotations

import re

from codex_audit.capabilities.modeling_names import FRAMEWORKS
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

GRADIENTS = (
    "*.backward",
    "*.manual_backward",
    "*.value_and_grad",
    "*.filter_value_and_grad",
    "*.filter_grad",
    "jax.grad",
    "torch.func.grad*",
    "torch.autograd.grad",
    "tensorflow.GradientTape",
    "tensorflow.GradientTape().gradient",
    "tensorflow.gradients",
    "*.compute_gradients",
    "mxnet.autograd.record",
)
UPDATES = ("*.step", "*.optimizer_step", "*.minimize", "*.apply_updates", "*.apply_gradients")
TYPED_UPDATES = ("flax.nnx.*Optimizer().update", "mlx.optimizers.*().update", "jaxopt.*().update")
FUNCTIONAL = ("optax.apply_updates", "equinox.apply_updates", "*.apply_updates", "*.apply_gradients")
LIGHTNING = ("lightning.*Trainer", "pytorch_lightning.*Trainer")
FITTERS = (
    "lightning.*LightningCLI",
    "pytorch_lightning.*LightningCLI",
    "fastai.*Learner().fit*",
    "fastai.*_learner().fit*",
    "*.fit_one_cycle",
    "ignite.engine.create_supervised_trainer",
    "ultralytics.YOLO().train",
    "stable_baselines3.*().learn",
    "sb3_contrib.*().learn",
    "flair.trainers.ModelTrainer().train",
    "torchtune.*().train",
    "axolotl.train.train",
    "tensorflow.estimator.train_and_evaluate",
    "mlx_lm.tuner.*train",
    "tensorflow.estimator.*().train",
    "mmengine.runner.Runner().train",
    "mmcv.runner.*Runner().run",
    "detectron2.engine.*Trainer().train",
    "skorch.*().fit",
    "spacy.cli.train.train",
    "fairseq_cli.train.main",
)
_UPDATE_OP = re.compile(
    r"tensorflow\.[\w.]*Optimizer\(\)\.(?:apply_gradients|minimize)\(\)|\.train_(?:op|step)\b"
)
# Trainers of libraries, and the classes of their settings.
TRAINERS = (
    "*Trainer",
    "*TrainingArguments",
    "*Fabric",
    "accelerate.Accelerator",
    "trl.*Config",
    "*LightningCLI",
)
COMPUTING = frozenset(
    {name.removesuffix(".*") for name in FRAMEWORKS}
    | {
        "numpy",
        "cupy",
        "autograd",
        "micrograd",
        "oneflow",
        "jittor",
        "mindspore",
        "theano",
        "torch_xla",
        "deepspeed",
    }
)
KERAS_FIT = ("epochs", "steps_per_epoch", "validation_data", "validation_split", "callbacks", "batch_size")
_OTHERS = ("sklearn.", "xgboost.", "lightgbm.", "catboost.", "scipy.", "statsmodels.", "numpy.")
_COMPILED = ("jit()", "pmap()", "partial()", "shard_map()")
DEPTH = 4


def loops(tree: Tree) -> Found:
    """Every place that takes optimizer steps, or makes a library take them."""
    return _own(tree) | _graph_runs(tree) | drivers(tree)


def reached(tree: Tree, found: Found) -> Found:
    """What a trainer is told, where one is run; a near miss where none is."""
    return found if not found or loops(tree) else found.as_near("told to a trainer that nothing here runs")


def drivers(tree: Tree) -> Found:
    """Calls that start a trainer of a library."""
    return (
        tree.inherited("training.loop")
        | tree.calls(*FITTERS, why="trains with {}")
        | tree.keyword("resume_from_checkpoint", of=("*.train",), why="drives a transformers Trainer with {}")
        | _lightning(tree)
        | _keras(tree)
    )


def _own(tree: Tree) -> Found:
    """An update beside a gradient, in one function or in the methods of one class, that some loop repeats. Where
    nothing computes with arrays, ``step`` and ``backward`` are words of another trade."""
    if not any(map(_computes, tree.code)):
        return NOTHING
    gradients = tree.nodes_calling(*GRADIENTS)
    owners = {owner for node in gradients if (owner := _owner(tree, node))}
    beside = tree.calls(
        *UPDATES,
        *TYPED_UPDATES,
        where=lambda site: _meets(tree, site, gradients, owners) and _repeated(tree, site),
        why="takes an optimizer step with {}",
    )
    apart = tree.calls(
        *FUNCTIONAL, where=lambda site: _repeated(tree, site), why="updates the parameters with {}"
    )
    return beside | (apart if gradients else NOTHING)


def _graph_runs(tree: Tree) -> Found:
    """Graph-mode TensorFlow builds its update once and runs it in a loop: ``session.run(train_op)``."""
    return tree.calls(
        "*.run",
        where=lambda site: (
            any(_UPDATE_OP.search(item.value) for item in site.arguments) and _repeated(tree, site)
        ),
        why="runs an update of a graph with {}",
    )


def _computes(module: Module) -> bool:
    """Whether a module imports a framework, or arrays to build one on."""
    return any(item.target.partition(".")[0] in COMPUTING for item in module.facts.imports)


def _owner(tree: Tree, node: str) -> str:
    """The class whose method, or function within a method, a node is."""
    module, inner = tree.modules.split(node)
    first = inner.partition(".")[0]
    return node_of(module, first) if module is not None and first in module.classes else ""


def _meets(tree: Tree, site: Site, gradients: frozenset[str], owners: set[str]) -> bool:
    node = node_of(site.module, site.scope)
    return node in gradients or _owner(tree, node) in owners


def _repeated(tree: Tree, site: Site) -> bool:
    """Whether the step, the function that takes it, or one that uses that function stands in a loop."""
    if site.call is not None and site.call.loop:
        return True
    users = tree.uses.reaching([node_of(site.module, site.scope)], DEPTH)
    called = {last(name) for name in users}
    return any(_loops_over(tree, user, called) for user in users)


def _loops_over(tree: Tree, user: str, called: set[str]) -> bool:
    """Whether a loop of ``user`` calls one of these names, or the compiled form of a function."""
    module, inner = tree.modules.split(user)
    return module is not None and any(
        call.loop and (call.target.endswith(_COMPILED) or last(call.target) in called)
        for call in tree.index.calls_in(module, inner)
    )


def _lightning(tree: Tree) -> Found:
    """A fit in a tree that builds, or derives, a Lightning Trainer."""
    trainer = tree.calls(*LIGHTNING) | tree.subclasses(*LIGHTNING)
    fits = tree.calls("*.fit", where=lambda site: _may_be_trainer(tree, site), why="trains with {}")
    return fits if trainer else NOTHING


def _may_be_trainer(tree: Tree, site: Site) -> bool:
    """A Lightning Trainer, or something unknown in a file that imports Lightning; not an estimator, nor a
    class of
    the tree that fits in its own way."""
    if site.target.startswith(_OTHERS) or tree.modules.method(site.target.removesuffix("().fit"), "fit"):
        return False
    imported = any(
        item.target.startswith(("lightning", "pytorch_lightning")) for item in site.module.facts.imports
    )
    return imported or site.target.startswith(("lightning", "pytorch_lightning"))


def _keras(tree: Tree) -> Found:
    """``compile`` and a ``fit`` in epochs, on a receiver that may be any Keras model."""
    compiled = tree.keyword("optimizer", "loss", of=("*.compile",))
    fits = tree.keyword(
        *KERAS_FIT,
        of=("*.fit",),
        where=lambda site: not site.target.startswith(_OTHERS),
        why="trains with {}",
    )
    return fits if compiled else NOTHING
