"""Loops over held-out data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.training_loops import reached
from codex_audit.facts.model import Function
from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site, gives
from codex_audit.query.tree import Tree

LEARNING = frozenset(
    "torch jax flax optax tensorflow keras transformers datasets sklearn lightning "
    "pytorch_lightning haiku equinox mlx paddle "
    "mxnet xgboost lightgbm catboost evaluate torchmetrics accelerate".split()
)
EVALUATORS = (
    "lm_eval.*.simple_evaluate",
    "lm_eval.simple_evaluate",
    "lm_eval.evaluate",
    "lm_eval.*.evaluate",
    "*.Model().evaluate",
    "*.Sequential().evaluate",
    "lightning.*Trainer().validate",
    "lightning.*Trainer().test",
    "pytorch_lightning.*Trainer().validate",
    "pytorch_lightning.*Trainer().test",
    "sklearn.model_selection.cross_val_score",
    "sklearn.model_selection.cross_validate",
    "sklearn.model_selection.cross_val_predict",
    "evaluate.evaluator",
    "sentence_transformers.evaluation.*",
    "sentence_transformers.*.evaluation.*",
    "ignite.engine.create_supervised_evaluator",
    "stable_baselines3.common.evaluation.evaluate_policy",
    "stable_baselines3.common.callbacks.EvalCallback",
    "composer.Evaluator",
    "composer.core.Evaluator",
    "torch_geometric.graphgym.*",
)
HOOKS = frozenset(
    "validation_step test_step validation_epoch_end on_validation_epoch_end validation_loop evaluation_loop".split()
)
EVALUATION_NAME = re.compile(
    r"_*((do|run|compute|log|start|maybe)_)?(eval|evaluate|evaluation|validate|validation"
    r"|valid|val|test|evaluator)(_?\w+)?|\w+_(eval|evaluate|validate|validation|evaluation"
    r"|test)"
    r"(_(loop|epoch|step|model|one_epoch))?|estimate_loss(es)?",
    re.IGNORECASE,
)
NOT_EVALUATION = re.compile(
    r"arg|config|param|input|url|path|token|schema|key|name|type|field|option|file|shape|format|index",
    re.IGNORECASE,
)
SCORING = re.compile(
    r"loss|metric|accuracy|score|predict|logits|forward|apply|eval|generate|compute|^item$", re.IGNORECASE
)
SCORE = re.compile(r"loss|metric|accuracy|score|cross_entropy|logits|argmax", re.IGNORECASE)
DATA_PARAMETERS = frozenset("ds data dataset batch batches loader dataloader examples samples".split())
WITHOUT_GRADIENTS = (
    "*.eval",
    "torch.no_grad",
    "torch.inference_mode",
    "torch.set_grad_enabled",
    "torch.autograd.no_grad",
)
_HELD_OUT_KEY = re.compile(r"(val|valid|validation|test|eval|dev)/\w", re.IGNORECASE)
HELD_OUT = re.compile(
    r"\b(val|valid|validation|test|eval|dev|held_?out)[ _/:-]+(set |data )?(loss|acc"
    r"|accuracy|err|error|perplexity|ppl|metrics?|scores?|f1|nll|auc|reward)",
    re.IGNORECASE,
)


def loop(tree: Tree) -> Found:
    return (
        tree.calls(*EVALUATORS, why="evaluates with {}")
        | tree.functions(lambda _, function: _is_hook(function), "defines the hook {}", "validation_step")
        | reached(
            tree,
            tree.keyword(
                "eval_dataset",
                "eval_dataloader",
                of=("*Trainer",),
                where=gives("eval_dataset", "eval_dataloader"),
                why="gives held-out data to {}",
            ),
        )
        | tree.keyword(
            "validation_data",
            "validation_split",
            "eval_set",
            "val_dataloaders",
            of=("*.fit",),
            where=gives("validation_data", "validation_split", "eval_set", "val_dataloaders"),
            why="gives held-out data to {}",
        )
        | tree.sites(_own_loops(tree), "evaluates in {}", ("a loop without gradients over held-out data",))
        | tree.inherited("evaluation.loop")
    )


def _is_hook(function: Function) -> bool:
    return last(function.name) in HOOKS and not function.stub and "." in function.name


def _own_loops(tree: Tree) -> Iterator[Site]:
    """Functions that run a model without gradients and say that they evaluate, by name or by what they report."""
    quiet = {
        (site.module.path, site.scope) for site in tree.call_sites(*WITHOUT_GRADIENTS) if _switches_off(site)
    }
    for module in tree.code:
        if not learns(tree, module):
            continue
        looping = {call.scope for call in module.facts.calls if call.loop}
        reporting = _reporting(module)
        for function in module.facts.functions:
            name = last(function.name)
            if not EVALUATION_NAME.fullmatch(name) or NOT_EVALUATION.search(name):
                continue
            still = (module.path, function.name) in quiet or any(
                last(tree.modules.canonical(mark, module)) in ("no_grad", "inference_mode")
                for mark in function.decorators
            )
            scored = function.name in looping and _scores(tree, module, function.name)
            if still or scored or function.name in reporting or _scores_whole(tree, module, function):
                yield Site(module, name, function.line, function.name)
        yield from _unnamed(module, {scope for path, scope in quiet if path == module.path} & looping)


def _switches_off(site: Site) -> bool:
    return last(site.target) != "eval" or not site.arguments


def learns(tree: Tree, module: Module) -> bool:
    """Whether a module imports a library of the field, or other modules of its package."""
    return any(
        item.target.startswith(".")
        or tree.modules.canonical(item.target, module).partition(".")[0] in LEARNING
        for item in module.facts.imports
    )


def _scores(tree: Tree, module: Module, scope: str) -> bool:
    """Whether a loop asks for a loss, a prediction or a score, or calls a function that it was handed (``?``)."""
    return any(
        call.loop and (call.target == "?" or SCORING.search(last(call.target)))
        for call in tree.index.calls_in(module, scope)
    )


def _reporting(module: Module) -> set[str]:
    """Scopes that make several figures under a held-out prefix (``eval/reward``), as functional code does, which has no
    gradients to switch off."""
    figures: dict[str, set[str]] = {}
    for text in module.facts.texts:
        if text.role in ("key", "subscript", "formatted") and _HELD_OUT_KEY.match(text.text):
            figures.setdefault(text.scope, set()).add(text.text)
    return {scope for scope, texts in figures.items() if len(texts) > 1}


def _scores_whole(tree: Tree, module: Module, function: Function) -> bool:
    """Whether a function that takes data asks for its loss or score at once, without a loop."""
    taken = {word for item in function.parameters for word in item.name.lower().split("_")}
    return bool(taken & DATA_PARAMETERS) and any(
        SCORE.search(last(call.target)) for call in tree.index.calls_in(module, function.name)
    )


def _unnamed(module: Module, scopes: set[str]) -> Iterator[Site]:
    for text in module.facts.texts:
        if (
            text.scope in scopes
            and len(text.text) < 60
            and HELD_OUT.search(text.text)
            and text.role in ("message", "formatted", "key", "argument")
        ):
            yield Site(module, text.text[:40], text.line, text.scope)
