"""Going on from a checkpoint: what is restored of a run, and whether tests try it."""

from __future__ import annotations

import re

from codex_audit.capabilities.checkpointing_optimizer import OPTIMIZER_KEY, is_optimizer, optimizer
from codex_audit.capabilities.checkpointing_saves import (
    CHECKPOINT_FILE,
    lasting,
    leaves_the_tree,
    near_texts,
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
    "ignite.handlers.*Checkpoint*.load_objects",
)
LOOSE_RESTORERS = ("*.load_checkpoint", "*.restore_checkpoint", "*.load_state", "*.recover_if_possible")
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
_CHECKPOINT = re.compile(r"check_?point|ckpt|weights|state_?dict|model|resume|recover", re.IGNORECASE)
KEYS = ("key", "rng", "rngs", "rng_key", "next_key", "prng_key", "dropout_rng", "dropout_key")


def resume(tree: Tree) -> Found:
    """A restored optimizer is what tells resuming from loading weights."""
    handed = tree.keyword(
        "ckpt_path",
        "resume_from_checkpoint",
        of=("*.fit", "*.train", "*.learn", *LIGHTNING),
        where=_given,
        why="resumes with {}",
    )
    restored = lasting(
        tree,
        tree.calls("*.load_state_dict", where=_restores_optimizer, why="restores the optimizer with {}"),
    )
    whole = tree.calls(
        "lightning.*Fabric().load",
        where=lambda site: len(site.arguments) > 1,
        why="restores the state with {}",
    )
    engines = lasting(tree, _restored_states(tree))
    state = (
        engines if engines and optimizer(tree) else engines.as_near("restores weights; no optimizer is saved")
    )
    found = restored | whole | state
    return (
        handed
        | (found | _resume_options(tree, found) if found else found)
        | tree.keyword("autoresume", "load_path", of=("composer.*Trainer",), why="resumes with {}")
        | tree.calls("*.BackupAndRestore", why="resumes with {}")
        | tree.inherited("checkpointing.resume")
    )  # fmt: skip


def _resume_options(tree: Tree, restored: Found) -> Found:
    """Settings that ask to resume; a parameter only where something is restored."""
    paths = frozenset(restored.paths())
    return tree.options(
        *RESUME_OPTIONS,
        where=lambda option: (
            "download" not in option.name and (option.kind != "parameter" or option.path in paths)
        ),
    )


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
    return any(map(OPTIMIZER_KEY.fullmatch, near_texts(site))) or _knows_optimizers(site)


def _knows_optimizers(site: Site) -> bool:
    """Whether the function asks if what it restores is an optimizer."""
    return any(
        call.scope == site.scope
        and call.target == "isinstance"
        and "torch.optim." in call.arguments[-1].value
        for call in site.module.facts.calls
    )


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
    module, facts = site.module, site.module.facts
    here = module.statement(site.line)
    in_record = any(item.scope == site.scope and module.statement(item.line) == here for item in facts.items)
    stored = any(
        fact.target.endswith("]") and module.statement(fact.line) == here for fact in facts.assignments
    )
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
    keyed = any(field.name in KEYS or "PRNGKey" in field.annotation for field in cls.fields)
    return keyed and bool(names & {"opt_state", "optimizer_state", "optim_state", "step"})


def _inherited_rng(tree: Tree) -> Found:
    """A library that saves the state restores it only when the run is resumed through it."""
    inherited = tree.inherited("checkpointing.rng")
    if not inherited or resume(tree):
        return inherited
    return inherited.as_near("saved by the library, and never restored here")


def tests(tree: Tree) -> Found:
    saving = weights(tree)
    if not saving:
        return NOTHING
    loading = tree.calls(
        "*.load_state_dict", "*.load_from_checkpoint", *RESTORERS, *LOOSE_RESTORERS
    ) | tree.calls("torch.load", where=_loads_state)
    direct = tree.tests_where(_saves_or_loads, why="saves or loads a checkpoint")
    return direct | tree.tests_reaching(saving | loading, why="saves or loads a checkpoint", depth=DEPTH)


def _loads_state(site: Site) -> bool:
    """Whether what ``torch.load`` reads goes into a model, or is named as a checkpoint: prepared data are read so
    too."""
    called = {last(call.target) for call in site.module.facts.calls if call.scope == site.scope}
    named = _CHECKPOINT.search(f"{site.module.path} {site.scope}") or any(
        map(CHECKPOINT_FILE.search, near_texts(site, 2))
    )
    return "load_state_dict" in called or bool(named)


def _saves_or_loads(module: Module, name: str) -> bool:
    called = {last(call.target) for call in module.facts.calls if call.scope == name}
    return bool(called & {"save_pretrained", "save_checkpoint", "load_checkpoint", "load_from_checkpoint"})
