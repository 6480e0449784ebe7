"""What a tree saves of a run: its weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.modeling_names import uses_framework
from codex_audit.capabilities.training_loops import reached
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
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
    "ignite.handlers.*Checkpoint",
    "mmengine.*CheckpointHook",
    "stable_baselines3.*CheckpointCallback",
)
LOOSE = ("*.save_weights", "*.save_checkpoint", "*.save_model", "*.save_state")
PICKLERS = ("pickle.dump", "cloudpickle.dump", "dill.dump", "numpy.savez*", "joblib.dump")
CALLBACKS = ("*.ModelCheckpoint", "*.BackupAndRestore")
STATE_KEY = re.compile(
    r"(?:.*_)?(?:model|state_dict|weights|params|net|network|module|generator|encoder)(?:_.*)?"
)
CHECKPOINT_FILE = re.compile(r"check_?point|ckpt|model|weights|\.pth\b|best|epoch", re.IGNORECASE)
_NOT_WEIGHTS = re.compile(
    r"tokenizer|config|processor|template|extractor|xgboost|lightgbm|catboost", re.IGNORECASE
)
_ABOUT_CHECKPOINTS = re.compile(r"check_?point|ckpt", re.IGNORECASE)
_TRAINER = re.compile(r"(?:transformers|trl|sentence_transformers)\.(?:\w+\.)*\w*Trainer")
_SAVES_MODEL = re.compile(
    r"(?:save|write|dump)_?(?:the_)?(?:model|params|parameters|weights|check_?point|ckpt|train_state|agent|policy)s?$",
    re.IGNORECASE,
)
_FINDS_RATE = re.compile(r"lr_?find", re.IGNORECASE)
_CONVERSION = re.compile(r"convert|export|quantiz|merge|onnx", re.IGNORECASE)


def near_texts(site: Site, before: int = 0, after: int = 0) -> Iterator[str]:
    """String constants of the same function in this statement, or so many before and after it; messages and
    help are no part of what is done."""
    module = site.module
    for text in module.facts.texts:
        if text.scope != site.scope or text.role in ("message", "help"):
            continue
        if module.statement(text.line) == module.statement(site.line) or (
            (before or after) and -before <= module.apart(site.line, text.line) <= after
        ):
            yield text.text


def weights(tree: Tree) -> Found:
    """Calls that write a model. In a tree that does not train, converting a file is not saving a run."""
    if not uses_framework(tree):
        return NOTHING
    saved = (
        tree.calls("torch.save", where=_saves_state, why="saves with {}")
        | tree.calls(*SAVERS, where=_saves_weights, why="saves with {}")
        | tree.calls(*LOOSE, where=lambda site: leaves_the_tree(tree, site), why="saves with {}")
        | reached(tree, tree.calls(*CALLBACKS, why="saves with {}"))
        | tree.calls(*PICKLERS, where=_pickles_weights, why="saves with {}")
    )
    found = saved | _through(tree, saved) | hooks(tree) | tree.inherited("checkpointing.weights")
    return lasting(tree, found).where(
        lambda item: _CONVERSION.search(f"{item.path} {item.scope}") is None,
        "converts a file, outside training",
    )


def lasting(tree: Tree, found: Found) -> Found:
    """Without what a function writes to a temporary file and reads back, and what a search for a learning rate puts
    back afterwards: that is kept for the time of a call."""
    passing = tree.nodes_calling("tempfile.*") & tree.nodes_calling("torch.load", "pickle.load")
    return found.where(
        lambda item: tree.node(item) not in passing and not _FINDS_RATE.search(f"{item.path}/{item.scope}"),
        "kept for the time of one function",
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


def hooks(tree: Tree) -> Found:
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


def _pickles_weights(site: Site) -> bool:
    """JAX parameters are plain trees of arrays; a function that is named so pickles them."""
    return _SAVES_MODEL.search(last(site.scope)) is not None and _saves_weights(site)


def _saves_weights(site: Site) -> bool:
    """Not the ``save_pretrained`` of a tokenizer or a configuration."""
    return _NOT_WEIGHTS.search(f"{site.target.rpartition('.')[0]} {site.scope}") is None


def leaves_the_tree(tree: Tree, site: Site) -> bool:
    """A method of an object that the tree does not define: what it defines is judged where it saves."""
    owner, _, method = site.target.rpartition(".")
    return _saves_weights(site) and not tree.modules.method(owner.removesuffix("()"), method) and (
        tree.modules.split(site.target)[0] is None or "()" in site.target
    )  # fmt: skip
