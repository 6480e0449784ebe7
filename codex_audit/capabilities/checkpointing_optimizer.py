"""What a tree saves of a run beside its weights: the state of the optimizer."""

from __future__ import annotations

import re

from codex_audit.capabilities.checkpointing_saves import CALLBACKS, hooks, lasting, near_texts, weights
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

STATEFUL = (
    "lightning.*Fabric().save",
    "ignite.handlers.*Checkpoint",
    "torch.distributed.checkpoint.*save*",
    "orbax.checkpoint.*",
    "flax.training.checkpoints.save_checkpoint*",
    "flax.serialization.*",
    "*.tree_serialise_leaves",
    "tensorstore.*",
    "jax.experimental.array_serialization.*",
)
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
_OPTIMIZER_PART = re.compile(r"\bopt(?:im|imizer)?_states?\b|\boptimizer\b")
_WRITING = re.compile(r"save|to_bytes|serial|write|tensorstore", re.IGNORECASE)
_PARAMETERS = frozenset({"params", "weights", "variables", "model_params", "parameters"})
_WHOLE = re.compile(r"state|opt|tree|target|item|obj|ckpt|checkpoint_dict")
_SAVES = re.compile(r"(?:^|_)(?:save|saved|checkpoint|state_dicts?)(?:_|$)")
_SAVEABLE = re.compile(r"_(?:recoverable|checkpoint\w*|sav(?:e)?ables?|stateful|states?)$")
_BY_TYPE = re.compile(r"torch\.optim\.(?:\w+\.)*Optimizer: ([\w.:]+)")


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
        | _registered(tree)
        | _listed(tree)
        | tree.inherited("checkpointing.optimizer")
    )  # fmt: skip
    kept = lasting(tree, kept)
    return kept | hooks(tree) | _handed_on(tree) if kept else kept


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
    """Ignite's saves what it is given, and nothing of its own accord."""
    return site.argument("save_weights_only") != "True" and not site.target.startswith("ignite.")


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
    return holders if _writes_whole(tree) else holders.as_near("nothing writes this state")


def _writes_whole(tree: Tree) -> bool:
    """Whether a call that counts writes a state, and not parameters alone."""
    return any(
        _WRITING.search(last(site.target)) and not _writes_parameters(site) and not tree.why_not(site)
        for site in tree.call_sites(*STATEFUL)
    )


def _writes_parameters(site: Site) -> bool:
    """Whether the function around a call is handed parameters by that name, and nothing that could be a state."""
    function = site.module.functions.get(site.scope)
    taken = [item.name for item in function.parameters] if function is not None else []
    return bool(set(taken) & _PARAMETERS) and not any(map(_WHOLE.search, taken))


def _registered(tree: Tree) -> Found:
    """An optimizer handed to what saves all that is registered with it, and a table of savers by type."""
    return tree.calls(
        "*.add_*", "*.register_*", "*.track*", "*.attach_*",
        where=_registers, why="registers the optimizer with {}",
    ) | tree.assigns("*", where=lambda site: _saves_by_type(tree, site), why="saves it by its type")  # fmt: skip


def _listed(tree: Tree) -> Found:
    """``["policy", "policy.optimizer"]``: the names of what is saved, in a function about saving."""
    return tree.texts(r"^(?:\w+\.)*\w*optimizer$", "element", why="lists {!r} among what is saved").where(
        lambda item: _SAVES.search(last(item.scope)) is not None, "in a list, but not of what is saved"
    )


def _registers(site: Site) -> bool:
    given = [(item.name, item.value) for item in site.arguments]
    return _SAVEABLE.search(last(site.target)) is not None and any(
        name == "optimizer" or value.startswith("torch.optim.") or OPTIMIZER_KEY.fullmatch(value.strip("'\""))
        for name, value in given
    )


def _saves_by_type(tree: Tree, site: Site) -> bool:
    """``{torch.optim.Optimizer: save_it}``, whose function calls a saver."""
    value = site.assignment.value if site.assignment is not None else ""
    saver = _BY_TYPE.search(value)
    if saver is None:
        return False
    return tree.modules.canonical(saver[1], site.module) in tree.nodes_calling("torch.save", "*.save_file")
