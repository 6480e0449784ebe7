"""Searches over settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

SEARCHES = (
    "optuna.create_study",
    "optuna.study.create_study",
    "optuna.*.optimize",
    "optuna.integration.*",
    "ray.tune.Tuner",
    "ray.tune.run",
    "ray.tune.run_experiments",
    "ray.tune.tuner.Tuner",
    "wandb.sweep",
    "wandb.agent",
    "hyperopt.fmin",
    "keras_tuner.*",
    "kerastuner.*",
    "nevergrad.optimizers.*",
    "ax.service.*",
    "skopt.*_minimize",
    "skopt.BayesSearchCV",
    "sklearn.model_selection.GridSearchCV",
    "sklearn.model_selection.RandomizedSearchCV",
    "sklearn.model_selection.Halving*SearchCV",
    "sklearn.model_selection.ParameterGrid",
    "sklearn.model_selection.ParameterSampler",
    "smac.*",
    "syne_tune.*",
    "bayes_opt.BayesianOptimization",
    "nni.get_next_parameter",
    "transformers.*Trainer().hyperparameter_search",
    "*.hyperparameter_search",
    "clearml.automation.*",
    "orion.client.*",
    "submitit.*.map_array",
)
SWEEP_NAME = re.compile(
    r"(^|[_/-])(sweeps?|grid_?search|hp_?(o|opt|search|tune|tuning)|hyper_?param\w*"
    r"|random_search|tune)(?=[_.-]|$)",
    re.IGNORECASE,
)


def sweep(tree: Tree) -> Found:
    return (
        tree.calls(*SEARCHES, why="searches settings with {}")
        | tree.options("sweep_config", "sweep_id", kinds=("flag", "field", "parameter"))
        | tree.settings(
            "*.yaml *.yml", r"(.*\.)?hydra[./]sweeper.*|hydra\.mode", r"", why="configures a Hydra sweep"
        )
        | _wandb_sweeps(tree)
        | tree.sites(_own_sweeps(tree), "runs over a grid with {}", ("itertools.product in a sweep script",))
        | tree.inherited("config.sweep")
    )


def _wandb_sweeps(tree: Tree) -> Found:
    """A YAML file with the keys of a W&B sweep at its top: method and parameters."""
    methods = tree.settings("*.yaml *.yml", "method", r"^(grid|random|bayes|hyperband)$", why="a W&B sweep")
    return methods.where(lambda item: _has_parameters(tree, item.path), "names a method, but no parameters")


def _has_parameters(tree: Tree, path: str) -> bool:
    facts = tree.by_path[path].settings
    return facts is not None and any(item.key.startswith("parameters.") for item in facts.settings)


def _own_sweeps(tree: Tree) -> Iterator[Site]:
    for site in tree.call_sites("itertools.product", "subprocess.*", "os.system", "multiprocessing.Pool"):
        if SWEEP_NAME.search(site.module.path) or SWEEP_NAME.search(last(site.scope)):
            yield site
