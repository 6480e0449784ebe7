"""The checks behind the checkpointing probes."""

from __future__ import annotations

import re

from codex_audit.capabilities.checkpointing_saves import (
    CALLBACKS,
    OPTIMIZER_KEY,
    is_optimizer,
    leaves_the_tree,
    near_texts,
    optimizer,
    weights,
)
from codex_audit.capabilities.training_loops import DEPTH, LIGHTNING
from codex_audit.facts.model import Class
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

RESUME_OPTIONS = (
    "resume*",
    "auto_resume",
    "autoresume",
    "continue_from*",
    "continue_training",
    "restart_from*",
    "restore_from*",
    "load_checkpoint*",
    "ckpt_path",
    "init_from",
    "from_checkpoint",
)
RESTORERS = (
    "orbax.checkpoint.*().restore",
    "flax.training.checkpoints.restore_checkpoint",
    "flax.serialization.from_bytes",
    "*.tree_deserialise_leaves",
    "torch.distributed.checkpoint.*load*",
    "tensorflow.train.Checkpoint().restore",
)
LOOSE_RESTORERS = ("*.load_checkpoint", "*.restore_checkpoint", "*.load_state", "*.recover_if_possible")
RETENTION_OPTIONS = tuple(
    (
        "save_total_limit save_top_k keep_last* max_to_keep keep_checkpoint_max keep_n_* keep_checkpoints* "
        "num_checkpoints_to_keep save_num_checkpoints_to_keep max_checkpoints *checkpoints_total_limit "
        "total_limit keep_best* keep_interval_updates checkpoint_hist* save_best* *best_only "
        "n_checkpoints_to_keep max_*checkpoints keep_every* delete_previous* overwrite_checkpoint* "
        "best_model_save_path save_last_k ckpt_keep* checkpoints_to_keep keep_recent*"
    ).split()
)
RETENTION_KEYWORDS = (
    "save_total_limit",
    "save_top_k",
    "max_to_keep",
    "keep_last_n",
    "total_limit",
    "num_checkpoints_to_keep",
)
RNG_GETTERS = (
    "torch.*get_rng_state*",
    "numpy.random.get_state",
    "random.getstate",
    "torch.Generator().get_state",
    "numpy.random.*().get_state",
)
RNG_SETTERS = (
    "torch.*set_rng_state*",
    "numpy.random.set_state",
    "random.setstate",
    "torch.Generator().set_state",
    "numpy.random.*().set_state",
)
DIGESTS = (
    "hashlib.sha*",
    "hashlib.md5",
    "hashlib.blake2*",
    "hashlib.file_digest",
    "hashlib.new",
    "blake3.blake3",
    "xxhash.*",
)
REMOVERS = (
    "shutil.rmtree",
    "os.remove",
    "os.unlink",
    "*.unlink",
    "*.rmtree",
    "*.rm",
    "*.delete_folder",
    "tensorflow.io.gfile.remove",
)
KEYS = ("key", "rng", "rngs", "rng_key", "next_key", "prng_key", "dropout_rng", "dropout_key")
_CHECKPOINT = re.compile(r"check_?point|ckpt|\.pth?$|\.safetensors|model_?state|state_?dict", re.IGNORECASE)
_PRUNING = re.compile(r"prune|rotate|clean|delete|remove|discard|limit|keep|retain|purge", re.IGNORECASE)
_NAMED = re.compile(r"check_?point|ckpt", re.IGNORECASE)
_BEST = re.compile(r"(?:^|[/_\-. ])best(?:$|[/_\-. ])", re.IGNORECASE)


def resume(tree: Tree) -> Found:
    """A restored optimizer is what tells resuming from loading weights."""
    handed = tree.keyword(
        "ckpt_path",
        "resume_from_checkpoint",
        of=("*.fit", "*.train", "*.learn", *LIGHTNING),
        where=_given,
        why="resumes with {}",
    )
    restored = tree.calls(
        "*.load_state_dict", where=_restores_optimizer, why="restores the optimizer with {}"
    )
    whole = tree.calls(
        "lightning.*Fabric().load",
        where=lambda site: len(site.arguments) > 1,
        why="restores the state with {}",
    )
    engines = _restored_states(tree)
    options = tree.options(*RESUME_OPTIONS, where=lambda option: "download" not in option.name)
    state = (
        engines if engines and optimizer(tree) else engines.as_near("restores weights; no optimizer is saved")
    )
    found = restored | whole | state
    return (
        handed
        | (found | options if found else NOTHING)
        | tree.keyword("autoresume", "load_path", of=("composer.*Trainer",), why="resumes with {}")
        | tree.calls("*.BackupAndRestore", why="resumes with {}")
        | tree.inherited("checkpointing.resume")
    )  # fmt: skip


def _restored_states(tree: Tree) -> Found:
    """What a library restores whole. A function of the tree is judged where it restores, unless it is functional."""
    functional = bool(tree.calls("jax.*"))
    return tree.calls(*RESTORERS, why="restores the training state with {}") | tree.calls(
        *LOOSE_RESTORERS,
        where=lambda site: functional or leaves_the_tree(tree, site),
        why="restores the training state with {}",
    )


def _given(site: Site) -> bool:
    given = [site.argument(name) for name in ("ckpt_path", "resume_from_checkpoint") if site.has(name)]
    return any(value not in ("None", "False") for value in given)


def _restores_optimizer(site: Site) -> bool:
    if site.target.startswith("torch.optim."):
        return is_optimizer(site)
    return any(map(OPTIMIZER_KEY.fullmatch, near_texts(site, 0, 1)))


def rng(tree: Tree) -> Found:
    """Written with a checkpoint and set again from it; a state kept for the time of one function is
    neither."""
    kept = tree.calls(
        *RNG_GETTERS, where=lambda site: _is_kept(tree, site), why="keeps the generator's state with {}"
    )
    restored = tree.calls(
        *RNG_SETTERS, where=lambda site: not _gets(site), why="sets the generator's state with {}"
    )
    own = kept & restored if weights(tree) else kept.as_near("kept, but nothing here saves a checkpoint")
    return own | _saved_key(tree) | _inherited_rng(tree)


def _is_kept(tree: Tree, site: Site) -> bool:
    """Whether the state becomes an entry of a record, or its function saves."""
    facts = site.module.facts
    in_record = any(item.scope == site.scope and abs(item.line - site.line) <= 1 for item in facts.items)
    stored = any(fact.line == site.line and fact.target.endswith("]") for fact in facts.assignments)
    returned = last(site.scope).endswith(("state_dict", "get_state", "rng_state", "rng_states"))
    saved = node_of(site.module, site.scope) in tree.nodes_calling("torch.save", "*.save_checkpoint")
    return in_record or stored or returned or saved


def _gets(site: Site) -> bool:
    """Whether the same function takes the state and sets it again."""
    called = (last(call.target) for call in site.module.facts.calls if call.scope == site.scope)
    return any(name in ("getstate", "get_state") or name.startswith("get_rng_state") for name in called)


def _saved_key(tree: Tree) -> Found:
    """JAX: the key is the state; it must be a field of what is saved and come back."""
    holders = tree.classes(
        _holds_key, why="{} holds the random key and is saved", looked_for="a state with its key"
    )
    restored = tree.calls("*.restore") | _restored_states(tree)
    return holders if restored and optimizer(tree) and tree.calls("jax.*") else NOTHING


def _holds_key(module: Module, cls: Class) -> bool:
    names = {field.name for field in cls.fields}
    return bool(names & set(KEYS)) and bool(names & {"opt_state", "optimizer_state", "optim_state", "step"})


def _inherited_rng(tree: Tree) -> Found:
    """A library that saves the state restores it only when the run is resumed through it."""
    inherited = tree.inherited("checkpointing.rng")
    if not inherited or resume(tree):
        return inherited
    return inherited.as_near("saved by the library, and never restored here")


def retention(tree: Tree) -> Found:
    if not weights(tree):
        return NOTHING
    return (
        tree.options(*RETENTION_OPTIONS)
        | tree.keyword(*RETENTION_KEYWORDS, where=_limits, why="limits what {} keeps")
        | tree.keyword("keep", of=("flax.training.checkpoints.*",), why="limits what {} keeps")
        | tree.calls(*CALLBACKS, where=_keeps_few, why="{} keeps the best only, one unless told otherwise")
        | _pruning(tree)
        | _best_only(tree)
        | tree.inherited("checkpointing.retention")
    )


def _limits(site: Site) -> bool:
    return any(site.argument(name) not in ("", "None", "-1") for name in RETENTION_KEYWORDS)


def _keeps_few(site: Site) -> bool:
    """Lightning's callback keeps the best one by default, Keras' every file unless the best only is asked
    for."""
    if "keras" in site.target:
        return site.argument("save_best_only") == "True"
    return site.target.endswith("ModelCheckpoint") and site.argument("save_top_k") != "-1"


def _pruning(tree: Tree) -> Found:
    """Removal in a function that is about old checkpoints, or beside their file names."""
    return tree.calls(*REMOVERS, where=_prunes, why="removes old checkpoints with {}")


def _prunes(site: Site) -> bool:
    name = last(site.scope)
    about = _NAMED.search(name) or (_NAMED.search(site.scope) and _PRUNING.search(name))
    return bool(about) or any(map(_NAMED.search, near_texts(site, 4, 1)))


def _best_only(tree: Tree) -> Found:
    """A save under one name that says best: the next better model overwrites it."""
    return tree.calls(
        "torch.save", "*.save*", "*save_checkpoint", "*save_model", "shutil.copy*",
        where=_names_best, why="overwrites the best checkpoint with {}",
    ) | tree.calls("torch.save", where=_tracks_best, why="saves beside the best value so far with {}")  # fmt: skip


def _names_best(site: Site) -> bool:
    return any(map(_BEST.search, near_texts(site)))


def _tracks_best(site: Site) -> bool:
    return any(item.scope == site.scope and item.key.startswith("best_") for item in site.module.facts.items)


def digest(tree: Tree) -> Found:
    """A digest where weights are saved, or in a helper that a function about checkpoints calls as it
    saves."""
    saving = {tree.node(item) for item in weights(tree).evidence if item.strength == "called"}
    return tree.calls(
        *DIGESTS,
        where=lambda site: _beside_saving(tree, site, saving),
        why="digests a checkpoint with {}",
    ) | (tree.calls("model_signing.*", why="signs the model with {}") if saving else NOTHING)


def _beside_saving(tree: Tree, site: Site, saving: set[str]) -> bool:
    node = node_of(site.module, site.scope)
    users = tree.uses.users.get(node, frozenset()) & saving
    return node in saving or any(_CHECKPOINT.search(last(user)) for user in users)


def tests(tree: Tree) -> Found:
    saving = weights(tree)
    if not saving:
        return NOTHING
    loading = tree.calls(
        "*.load_state_dict", "*.load_from_checkpoint", "torch.load", *RESTORERS, *LOOSE_RESTORERS
    )
    direct = tree.tests_where(_saves_or_loads, why="saves or loads a checkpoint")
    return direct | tree.tests_reaching(saving | loading, why="saves or loads a checkpoint", depth=DEPTH)


def _saves_or_loads(module: Module, name: str) -> bool:
    called = {last(call.target) for call in module.facts.calls if call.scope == name}
    return bool(called & {"save_pretrained", "save_checkpoint", "load_checkpoint", "load_from_checkpoint"})
