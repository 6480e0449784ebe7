"""Schedules of the learning rate: those of libraries, and rates that are computed and set."""

from __future__ import annotations

import re

from codex_audit.capabilities.training_loops import TRAINERS, reached
from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

SCHEDULERS = (
    "torch.optim.lr_scheduler.*",
    "transformers.get_*_schedule*",
    "transformers.optimization.get_*_schedule*",
    "transformers.get_scheduler",
    "transformers.optimization.get_scheduler",
    "diffusers.optimization.get_*",
    "optax.*_schedule*",
    "optax.join_schedules",
    "optax.exponential_decay",
    "optax.schedules.*",
    "optax.contrib.reduce_on_plateau",
    "flax.training.lr_schedule.*",
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
    "deepspeed.runtime.lr_schedules.*",
    "pytorch_warmup.*",
    "mmengine.optim.*LR",
    "tensorflow_addons.optimizers.*LearningRate",
    "paddle.optimizer.lr.*",
)
SCHEDULE_BASES = tuple(
    (
        "torch.optim.lr_scheduler.* keras.*LearningRateSchedule tensorflow.keras.*Schedule "
        "timm.scheduler.*Scheduler"
    ).split()
)
SCHEDULE_KEYWORDS = ("lr_scheduler_type", "warmup_steps", "warmup_ratio", "lr_scheduler_kwargs")
_RATE = re.compile(
    r"(?:adjust|set|get|update|compute|schedule)?_?(?:lr|learning_rate)(?:_schedule\w*|_lambda|_at)?"
)
_SCHEDULE = re.compile(
    r"schedul|(?:lr|learning_rate)_(?:fn|func|function)|^(?:make|create|build|get)_(?:lr|learning_rate)"
)


def schedule(tree: Tree) -> Found:
    return (
        tree.calls(*SCHEDULERS, why="builds a schedule with {}")
        | tree.references("composer.optim.*Scheduler*", why="offers {}")
        | tree.subclasses(*SCHEDULE_BASES, why="a schedule derived from {}")
        | reached(
            tree, tree.keyword(*SCHEDULE_KEYWORDS, of=(*TRAINERS, "*Arguments"), why="hands a schedule to {}")
        )
        | tree.keyword(
            "learning_rate", "lr", of=("optax.*",), where=_is_computed, why="gives a schedule to {}"
        )
        | tree.settings("*.json", r"(.*\.)?scheduler\.type")
        | _own_schedule(tree)
        | reached(tree, tree.inherited("training.schedule"))
    )


def _own_schedule(tree: Tree) -> Found:
    """A rate that is computed and set on the optimizer's groups, or by a setter."""
    groups = tree.assigns("*", where=_sets_rate, why="sets the learning rate of the optimizer")
    setters = tree.calls(
        "*.set_lr", "*.set_learning_rate", "*.adjust_learning_rate", why="sets the rate with {}"
    )
    return groups | (setters & _computed(tree))


def _sets_rate(site: Site) -> bool:
    """``group["lr"] = value`` in a function that goes through the optimizer's groups, or the injected setting of an
    optax optimizer, with a value that is not fixed. The same key of a dictionary of arguments is a constant rate."""
    value = site.assignment.value if site.assignment is not None else ""
    if re.fullmatch(r"\d[\d.e-]*|.*\.(?:lr|learning_rate)", value):
        return False
    if site.target.endswith("hyperparams['learning_rate']"):
        return True
    return site.target.endswith("['lr']") and any(
        last(item.name).startswith("param_groups") and item.scope == site.scope
        for item in site.module.facts.references
    )


def _is_computed(site: Site) -> bool:
    """A rate that a function named after schedules made, or such a function itself."""
    value = site.argument("learning_rate") or site.argument("lr")
    return _SCHEDULE.search(last(value.removesuffix("()"))) is not None and value.startswith((":", "."))


def _computed(tree: Tree) -> Found:
    return tree.functions(
        lambda module, function: not function.stub and _RATE.fullmatch(last(function.name)) is not None,
        why="computes the learning rate in {}",
        looked_for="a function that computes the learning rate",
    )
