"""Which checkpoints are kept, and how a kept one is known again."""

from __future__ import annotations

import re

from codex_audit.capabilities.checkpointing_saves import CALLBACKS, near_texts, weights
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

RETENTION_OPTIONS = tuple(
    (
        "save_total_limit save_top_k keep_last* max_to_keep keep_checkpoint_max keep_n_* keep_checkpoints* "
        "num_checkpoints_to_keep save_num_checkpoints_to_keep max_checkpoints *checkpoints_total_limit "
        "total_limit keep_best* keep_interval_updates checkpoint_hist* save_best* *best_only "
        "n_checkpoints_to_keep max_*checkpoints keep_every* delete_previous* overwrite_checkpoint* "
        "best_model_save_path save_last_k ckpt_keep* checkpoints_to_keep keep_recent* n_saved "
        "max_keep_ckpts num_to_keep"
    ).split()
)
RETENTION_KEYWORDS = (
    "save_total_limit",
    "save_top_k",
    "max_to_keep",
    "keep_last_n",
    "total_limit",
    "num_checkpoints_to_keep",
    "n_saved",
    "max_keep_ckpts",
    "num_to_keep",
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
_CHECKPOINT = re.compile(r"check_?point|ckpt|\.pth?$|\.safetensors|model_?state|state_?dict", re.IGNORECASE)
_PRUNING = re.compile(r"prune|rotate|clean|delete|remove|discard|limit|keep|retain|purge", re.IGNORECASE)
_FETCHES = re.compile(r"download|fetch|url|load|verify|check_(?!point)|hub|cache", re.IGNORECASE)
_NAMED = re.compile(r"check_?point|ckpt", re.IGNORECASE)
_BEST = re.compile(r"(?:^|[/_\-. ])best(?:$|[/_\-. ])", re.IGNORECASE)


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
    return bool(about) or any(map(_NAMED.search, near_texts(site, 4)))


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
    """A digest where weights are saved, in a function named after what it digests, or in a helper that a function
    about checkpoints calls as it saves."""
    saving = {tree.node(item) for item in weights(tree).evidence if item.strength == "called"}
    return tree.calls(
        *DIGESTS,
        where=lambda site: _beside_saving(tree, site, saving),
        why="digests a checkpoint with {}",
    ) | (tree.calls("model_signing.*", why="signs the model with {}") if saving else NOTHING)


def _beside_saving(tree: Tree, site: Site, saving: set[str]) -> bool:
    node = node_of(site.module, site.scope)
    if saving and _CHECKPOINT.search(last(site.scope)) and not _FETCHES.search(last(site.scope)):
        return True
    users = tree.uses.users.get(node, frozenset()) & saving
    return node in saving or any(_CHECKPOINT.search(last(user)) for user in users)
