"""The checks behind the checkpointing probes."""

from __future__ import annotations

import re

from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

SAVERS = (
    "torch.save",
    "*.save_pretrained",
    "safetensors.torch.save_file",
    "safetensors.torch.save_model",
    "safetensors.numpy.save_file",
    "safetensors.flax.save_file",
    "torch.distributed.checkpoint.save",
    "torch.distributed.checkpoint.async_save",
    "torch.distributed.checkpoint.save_state_dict",
    "orbax.checkpoint.*",
    "flax.training.checkpoints.save_checkpoint",
    "flax.serialization.to_bytes",
    "equinox.tree_serialise_leaves",
    "jax.experimental.array_serialization.*",
    "tensorstore.*",
    "tensorflow.train.Checkpoint",
    "tensorflow.train.CheckpointManager",
    "*.save_weights",
    "*.save_checkpoint",
    "lightning.Fabric().save",
    "*.save_model",
    "paddle.save",
    "mlx.core.save_safetensors",
)
CHECKPOINT_CALLBACKS = (
    "*.ModelCheckpoint",
    "keras.callbacks.BackupAndRestore",
    "tensorflow.keras.callbacks.BackupAndRestore",
)
MANAGERS = ("orbax.checkpoint.CheckpointManager*", "tensorflow.train.CheckpointManager")
OPTIMIZER_KEY = ("optimizer*", "optim", "opt", "opt_state", "optim_state*", "*optimizer_state*")
RESUME_OPTIONS = (
    "resume*",
    "resume_from*",
    "auto_resume",
    "continue_from",
    "continue_training",
    "restart_from",
    "load_checkpoint_path",
    "ckpt_path",
    "initialize_from_checkpoint",
)
RETENTION_OPTIONS = (
    "save_total_limit",
    "save_top_k",
    "keep_last*",
    "keep_last_n*",
    "max_to_keep",
    "keep_checkpoint_max",
    "keep_n_checkpoints",
    "num_checkpoints_to_keep",
    "max_checkpoints",
    "checkpoints_total_limit",
    "keep_best*",
    "save_num_checkpoints_to_keep",
    "keep_interval_updates",
    "checkpoint_history",
)
RNG_GETTERS = (
    "torch.get_rng_state",
    "torch.random.get_rng_state",
    "torch.cuda.get_rng_state",
    "torch.cuda.get_rng_state_all",
    "torch.cuda.random.get_rng_state_all",
    "numpy.random.get_state",
    "random.getstate",
    "torch.Generator().get_state",
)
RNG_SETTERS = (
    "torch.set_rng_state",
    "torch.random.set_rng_state",
    "torch.cuda.set_rng_state",
    "torch.cuda.set_rng_state_all",
    "numpy.random.set_state",
    "random.setstate",
    "torch.Generator().set_state",
)
DIGESTS = (
    "hashlib.sha256",
    "hashlib.md5",
    "hashlib.sha1",
    "hashlib.blake2b",
    "hashlib.sha512",
    "blake3.blake3",
    "hashlib.file_digest",
)
REMOVERS = ("shutil.rmtree", "os.remove", "os.unlink", "*.unlink", "*.rmtree", "*.rm")
_CHECKPOINT = re.compile(r"check_?point|ckpt|\.pth?$|\.safetensors|model_?state|state_?dict", re.IGNORECASE)


def weights(tree: Tree) -> Found:
    return (
        tree.calls(*SAVERS, where=_writes_a_model, why="saves with {}")
        | tree.calls(*CHECKPOINT_CALLBACKS, why="saves with {}")
        | tree.inherited("checkpointing.weights")
    )


def _writes_a_model(site: Site) -> bool:
    """Not the tokenizer's or configuration's save_pretrained, nor the JSON of a restored manager."""
    receiver = site.target.rpartition(".")[0]
    return not any(word in receiver.lower() for word in ("tokenizer", "config", "processor", "template"))


def optimizer(tree: Tree) -> Found:
    saved = tree.nodes_calling(*SAVERS)
    return (
        tree.items(*OPTIMIZER_KEY, where=lambda module, scope, value: _flows_to(tree, node_of(module, scope), saved),
                   why="puts the optimizer under {!r} of what is saved")
        | tree.calls("torch.save", where=lambda site: "optim" in site.argument("obj", 0).lower() and "state_dict" in site.argument("obj", 0),
                     why="saves the optimizer's state with {}")
        | tree.calls("*.ModelCheckpoint", where=lambda site: site.argument("save_weights_only") != "True" and "keras" not in site.target,
                     why="{} saves the optimizer state too")
        | tree.calls("*.save_optimizer_state", "*.save_state", why="saves the training state with {}")
        | _training_state(tree)
        | tree.inherited("checkpointing.optimizer")
    )  # fmt: skip


def _training_state(tree: Tree) -> Found:
    """A state object with the optimizer's part among its fields, handed to a saver (the JAX way)."""
    holders = tree.classes(
        lambda module, cls: any(
            field.name in ("opt_state", "optimizer_state", "optim_state") for field in cls.fields
        ),
        why="{} holds the optimizer's state and is saved",
        looked_for="a training state with an optimizer field",
    )
    jax_savers = tree.calls("orbax.checkpoint.*", "flax.training.checkpoints.save_checkpoint", "*.tree_serialise_leaves",
                            "tensorstore.*", "jax.experimental.array_serialization.*")  # fmt: skip
    passed = tree.keyword(
        "opt_state",
        "optimizer_state",
        "training_state",
        of=("*.save_checkpoint", "*save_checkpoint", "*.save"),
    )
    return passed | (holders & jax_savers if holders and jax_savers else NOTHING)


def _flows_to(tree: Tree, node: str, savers: frozenset[str]) -> bool:
    """Whether the function that holds this saves, or one that it uses or that uses it does."""
    near = {node} | tree.uses.edges.get(node, frozenset()) | tree.uses.users.get(node, frozenset())
    return bool(near & savers)


def resume(tree: Tree) -> Found:
    options = tree.options(
        *RESUME_OPTIONS, kinds=("flag", "field", "parameter", "key"), where=_is_training_option
    )
    restored = tree.calls("*.load_state_dict", where=lambda site: "optim" in site.target.lower() or _optimizer_argument(site),
                          why="restores the optimizer with {}")  # fmt: skip
    handed = tree.keyword(
        "ckpt_path", "resume_from_checkpoint", of=("*.fit", "*.train"), where=_given, why="resumes with {}"
    )
    jax_restore = tree.calls("orbax.checkpoint.*().restore", "flax.training.checkpoints.restore_checkpoint", "*.restore_checkpoint",
                             "*.load_checkpoint", "*.load_state", why="restores the training state with {}")  # fmt: skip
    able = restored | handed | jax_restore | tree.calls("lightning.Fabric().load", why="restores with {}")
    return handed | (restored | options & able if able else NOTHING) | tree.inherited("checkpointing.resume")


def _is_training_option(option: object) -> bool:
    return "download" not in str(getattr(option, "name", ""))


def _optimizer_argument(site: Site) -> bool:
    return "optim" in " ".join(item.value for item in site.arguments).lower()


def _given(site: Site) -> bool:
    return all(
        site.argument(name) != "None" for name in ("ckpt_path", "resume_from_checkpoint") if site.has(name)
    )


def rng(tree: Tree) -> Found:
    saved = tree.calls(*RNG_GETTERS, why="keeps the generator's state with {}")
    restored = tree.calls(*RNG_SETTERS, why="restores the generator's state with {}")
    return (saved & restored if weights(tree) else NOTHING) | _saved_key(tree) | _inherited_rng(tree)


def _saved_key(tree: Tree) -> Found:
    """JAX: the key is the state; it must be a field of what is saved and come back."""
    fields = tree.classes(
        lambda module, cls: (
            any(
                field.name in ("key", "rng", "rng_key", "next_key", "training_key", "prng_key")
                for field in cls.fields
            )
            and any(
                field.name in ("opt_state", "optimizer_state", "step", "model", "params")
                for field in cls.fields
            )
        ),
        why="{} holds the random key and is saved",
        looked_for="a training state with its random key",
    )
    restore = tree.calls("*.restore_checkpoint", "*.load_checkpoint", "*.restore", "orbax.checkpoint.*")
    jax = tree.calls("jax.random.PRNGKey", "jax.random.key", "jax.random.split")
    return fields if fields and restore and jax else NOTHING


def _inherited_rng(tree: Tree) -> Found:
    """A library that saves the state restores it only when the run is resumed through it."""
    inherited = tree.inherited("checkpointing.rng")
    return (
        inherited
        if inherited and resume(tree)
        else inherited.as_near("saved by the library, and never restored here")
    )


def retention(tree: Tree) -> Found:
    return (
        tree.options(*RETENTION_OPTIONS, kinds=("flag", "field", "key", "parameter"))
        | tree.keyword("save_total_limit", "save_top_k", "max_to_keep", "keep", "keep_last_n", why="limits what {} keeps")
        | tree.calls("*.ModelCheckpoint", where=lambda site: site.argument("save_top_k") != "-1" and "keras" not in site.target,
                     why="{} keeps the best save_top_k, one by default")
        | tree.calls("*.ModelCheckpoint", where=lambda site: site.argument("save_best_only") == "True", why="{} overwrites on best only")
        | _pruning(tree)
        | _best_only(tree)
        | tree.inherited("checkpointing.retention")
    )  # fmt: skip


def _pruning(tree: Tree) -> Found:
    """Removal in a function, or for a purpose, that is about checkpoints."""
    return tree.calls(
        *REMOVERS,
        where=lambda site: bool(_CHECKPOINT.search(site.scope)),
        why="removes old checkpoints with {}",
    )


def _best_only(tree: Tree) -> Found:
    """Saving under a comparison with the best value so far: the option or key says best."""
    savers = tree.nodes_calling(*SAVERS, "*.save_model", "*._save_model")
    return (
        tree.options(
            "best_model_dir",
            "save_best_only",
            "save_best",
            "best_checkpoint_path",
            kinds=("flag", "field", "key"),
        )
        if savers
        else NOTHING
    )


def digest(tree: Tree) -> Found:
    savers = tree.nodes_calling(*SAVERS)
    return tree.calls(
        *DIGESTS,
        where=lambda site: (
            node_of(site.module, site.scope) in savers or _digests_what_is_saved(tree, site, savers)
        ),
        why="digests a checkpoint with {}",
    )


def _digests_what_is_saved(tree: Tree, site: Site, savers: frozenset[str]) -> bool:
    """A hashing helper that a saving function calls directly."""
    users = tree.uses.users.get(node_of(site.module, site.scope), frozenset())
    return bool(users & savers) and bool(_CHECKPOINT.search(" ".join(users)))


def tests(tree: Tree) -> Found:
    loaders = tree.calls(
        "*.load_state_dict",
        "*.load_checkpoint",
        "*.restore_checkpoint",
        "*.load_from_checkpoint",
        "torch.load",
    )
    direct = tree.tests_where(
        lambda module, name: any(
            last(call.target)
            in ("save_pretrained", "save_checkpoint", "load_checkpoint", "load_from_checkpoint")
            for call in module.facts.calls
            if call.scope == name
        ),
        why="saves or loads a checkpoint",
    )
    return direct | tree.tests_reaching(weights(tree) | loaders, why="saves or loads a checkpoint")
