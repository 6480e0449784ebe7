"""What a tree saves of a run: weights, the optimizer's state, the generators' states."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.modeling_names import uses_framework
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

SAVERS = (
    "*.save_pretrained",
    "safetensors.*.save_file",
    "safetensors.*.save_model",
    "torch.distributed.checkpoint.*save*",
    "torch.jit.save",
    "orbax.checkpoint.*().save",
    "flax.training.checkpoints.save_checkpoint*",
    "flax.serialization.*to_bytes",
    "flax.serialization.msgpack_serialize",
    "*.tree_serialise_leaves",
    "jax.experimental.array_serialization.*",
    "tensorstore.*",
    "tensorflow.train.Checkpoint",
    "tensorflow.train.CheckpointManager",
    "tensorflow.saved_model.save",
    "tensorflow.train.Saver",
    "keras.*().save",
    "tensorflow.keras.*().save",
    "lightning.*Fabric().save",
    "lightning.*Trainer().save_checkpoint",
    "pytorch_lightning.*Trainer().save_checkpoint",
    "transformers.*Trainer().save_model",
    "mlx.core.save_safetensors",
    "mlx.core.savez",
    "paddle.save",
    "mxnet.gluon.*().save_parameters",
)
LOOSE = ("*.save_weights", "*.save_checkpoint", "*.save_model", "*.save_state")
STATEFUL = (
    "lightning.*Fabric().save",
    "torch.distributed.checkpoint.*save*",
    "orbax.checkpoint.*",
    "flax.training.checkpoints.save_checkpoint*",
    "flax.serialization.*",
    "*.tree_serialise_leaves",
    "tensorstore.*",
    "jax.experimental.array_serialization.*",
)
CALLBACKS = ("*.ModelCheckpoint", "*.BackupAndRestore")
OPTIMIZER_STATES = (
    "torch.optim.*().state_dict",
    "*.optim_state_dict",
    "*.full_optim_state_dict",
    "*.sharded_optim_state_dict",
    "*.get_optimizer_state_dict",
    "torch.distributed.checkpoint.state_dict.get_state_dict",
)
OPTIMIZER_KEY = re.compile(
    r"(?:.*_)?(?:optimizers?|optim|opt)(?:_?states?)?(?:_dict)?|opt_state|.*optimizer\.(?:pt|bin|pth)"
)
STATE_KEY = re.compile(
    r"(?:.*_)?(?:model|state_dict|weights|params|net|network|module|generator|encoder)(?:_.*)?"
)
CHECKPOINT_FILE = re.compile(r"check_?point|ckpt|model|weights|\.pth\b|best|epoch", re.IGNORECASE)
_NOT_WEIGHTS = re.compile(
    r"tokenizer|config|processor|template|extractor|xgboost|lightgbm|catboost", re.IGNORECASE
)
_ABOUT_CHECKPOINTS = re.compile(r"check_?point|ckpt", re.IGNORECASE)
_TRAINER = re.compile(r"(?:transformers|trl|sentence_transformers)\.(?:\w+\.)*\w*Trainer")
_OPTIMIZER_PART = re.compile(r"\bopt(?:im|imizer)?_states?\b|\boptimizer\b")
_CONVERSION = re.compile(r"convert|export|quantiz|merge|onnx", re.IGNORECASE)


def near_texts(site: Site, before: int = 0, after: int = 3) -> Iterator[str]:
    """String constants of the same function within a few lines; messages and help are no part of what is
    done."""
    for text in site.module.facts.texts:
        within = text.scope == site.scope and -before <= text.line - site.line <= after
        if within and text.role not in ("message", "help"):
            yield text.text


def weights(tree: Tree) -> Found:
    """Calls that write a model. In a tree that does not train, converting a file is not saving a run."""
    if not uses_framework(tree):
        return NOTHING
    saved = (
        tree.calls("torch.save", where=_saves_state, why="saves with {}")
        | tree.calls(*SAVERS, where=_saves_weights, why="saves with {}")
        | tree.calls(*LOOSE, where=lambda site: leaves_the_tree(tree, site), why="saves with {}")
        | tree.calls(*CALLBACKS, why="saves with {}")
    )
    return (saved | _through(tree, saved) | _hooks(tree) | tree.inherited("checkpointing.weights")).where(
        lambda item: _CONVERSION.search(f"{item.path} {item.scope}") is None,
        "converts a file, outside training",
    )


def _through(tree: Tree, saved: Found) -> Found:
    """Where a function about checkpoints calls one of the tree that saves, a step or two away."""
    savers = tree.uses.reaching((tree.node(item) for item in saved.evidence), 1)
    return tree.calls(
        *savers,
        where=lambda site: (
            _ABOUT_CHECKPOINTS.search(last(site.scope)) is not None
            and not _ABOUT_CHECKPOINTS.search(site.target)
        ),
        why="saves through {}",
    )


def _hooks(tree: Tree) -> Found:
    """A trainer of the tree that adds to what its library saves in each checkpoint."""

    def extends(site: Site) -> bool:
        owner = node_of(site.module, site.scope.rpartition(".")[0])
        return any(_TRAINER.fullmatch(base) for base in tree.modules.ancestors(owner))

    return tree.calls("super()._save_checkpoint", where=extends, why="extends the checkpoints of its trainer")


def _saves_state(site: Site) -> bool:
    """Whether what ``torch.save`` is given is a model or its state, and not a cached tensor."""
    facts = site.module.facts
    if "state_dict" in site.argument("obj", 0):
        return True
    if any(last(call.target).endswith("state_dict") and call.scope == site.scope for call in facts.calls):
        return True
    keys = (item.key for item in facts.items if item.scope == site.scope)
    return any(STATE_KEY.fullmatch(key) for key in keys) or any(map(CHECKPOINT_FILE.search, near_texts(site)))


def _saves_weights(site: Site) -> bool:
    """Not the ``save_pretrained`` of a tokenizer or a configuration."""
    return _NOT_WEIGHTS.search(f"{site.target.rpartition('.')[0]} {site.scope}") is None


def leaves_the_tree(tree: Tree, site: Site) -> bool:
    """A method of an object that the tree does not define: what it defines is judged where it saves."""
    owner, _, method = site.target.rpartition(".")
    return _saves_weights(site) and not tree.modules.method(owner.removesuffix("()"), method) and (
        tree.modules.split(site.target)[0] is None or "()" in site.target
    )  # fmt: skip


def optimizer(tree: Tree) -> Found:
    """Ways by which the optimizer's state comes into what is saved."""
    saving = weights(tree)
    if not saving:
        return NOTHING
    stateful = tree.nodes_calling(*STATEFUL)
    kept = (
        _kept_states(tree)
        | tree.items("*opt*", where=lambda module, scope, value: _flows(tree, module, scope, value, stateful),
                     why="puts the optimizer under {!r} of what is saved")
        | tree.assigns("*", where=_assigns_state, why="adds the optimizer's state to what is saved")
        | tree.calls("torch.save", where=_saves_optimizer, why="saves the optimizer's state with {}")
        | tree.calls(*OPTIMIZER_STATES, where=is_optimizer, why="takes the optimizer's state with {}")
        | tree.calls(*CALLBACKS, where=_is_full, why="{} saves the optimizer's state too")
        | _engines(tree)
        | _training_state(tree)
        | tree.inherited("checkpointing.optimizer")
    )  # fmt: skip
    return kept | _hooks(tree) | _handed_on(tree) if kept else kept


def _handed_on(tree: Tree) -> Found:
    """Where the optimizer's state is handed to what saves a checkpoint."""
    return tree.calls(
        "*.save_checkpoint",
        "*._save_checkpoint",
        where=lambda site: any(_OPTIMIZER_PART.search(item.value) for item in site.arguments),
        why="hands the optimizer's state to {}",
    )


def _kept_states(tree: Tree) -> Found:
    """``"optimizer": optimizer.state_dict()`` in a dictionary."""
    states = tree.items(
        "*",
        where=lambda module, scope, value: _is_state_of(value),
        why="saves the optimizer's state under {!r}",
    )
    return states.where(
        lambda item: OPTIMIZER_KEY.fullmatch(item.symbol) is not None, "the state of something else"
    )


def _is_state_of(value: str) -> bool:
    return value.endswith("state_dict()")


def _flows(tree: Tree, module: Module, scope: str, value: str, savers: frozenset[str]) -> bool:
    """An object put beside others in a state that a saver of whole objects writes, here or one call away."""
    if value[:1] in "'\"[({" or value in ("None", "True", "False") or scope.endswith("configure_optimizers"):
        return False
    node = node_of(module, scope)
    near = {node} | tree.uses.edges.get(node, frozenset()) | tree.uses.users.get(node, frozenset())
    return bool(near & savers)


def _assigns_state(site: Site) -> bool:
    key = re.search(r"\['([^']+)'\]$", site.target)
    value = site.assignment.value if site.assignment is not None else ""
    return key is not None and _is_state_of(value) and OPTIMIZER_KEY.fullmatch(key[1]) is not None


def _saves_optimizer(site: Site) -> bool:
    return _is_state_of(site.argument("obj", 0)) and any(map(OPTIMIZER_KEY.fullmatch, near_texts(site)))


def is_optimizer(site: Site) -> bool:
    """Schedulers live among torch's optimizers."""
    return "lr_scheduler" not in site.target


def _is_full(site: Site) -> bool:
    return site.argument("save_weights_only") != "True"


def _engines(tree: Tree) -> Found:
    """DeepSpeed engines, accelerators and TensorFlow checkpoints hold the optimizer themselves."""
    engine = tree.calls("deepspeed.initialize") or tree.calls("accelerate.Accelerator")
    saved = tree.calls("*.save_checkpoint", "*.save_state", why="saves the whole training state with {}")
    tracked = tree.keyword("optimizer", of=("tensorflow.train.Checkpoint",), why="{} holds the optimizer")
    return (
        (saved if engine else NOTHING) | tracked | tree.calls("keras.*().save", "tensorflow.keras.*().save")
    )


def _training_state(tree: Tree) -> Found:
    """A state object that holds the optimizer's part, in a tree that writes such objects (the JAX way)."""
    holders = tree.classes(
        lambda module, cls: any(
            field.name in ("opt_state", "optimizer_state", "optim_state") for field in cls.fields
        ),
        why="{} holds the optimizer's state and is saved",
        looked_for="a training state with the optimizer's part",
    ) | tree.calls("flax.training.train_state.TrainState.create", why="{} makes the state that is saved")
    return holders if tree.calls(*STATEFUL) else holders.as_near("nothing writes this state")
