"""The checks behind the evaluation probes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.facts.model import Function
from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

LEARNING = frozenset(
    "torch jax flax tensorflow keras transformers datasets sklearn lightning pytorch_lightning haiku equinox mlx paddle "
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
HOOKS = frozenset({"validation_step", "test_step", "validation_epoch_end", "on_validation_epoch_end", "validation_loop", "evaluation_loop"})
EVALUATION_NAME = re.compile(
    r"_*((do|run|compute|log|start|maybe)_)?(eval|evaluate|evaluation|validate|validation|valid|val|test|evaluator)(_?\w+)?|\w+_(eval|evaluate|validate|validation|evaluation|test)"
    r"(_(loop|epoch|step|model|one_epoch))?|estimate_loss(es)?",
    re.IGNORECASE,
)
NOT_EVALUATION = re.compile(r"arg|config|param|input|url|path|token|schema|key|name|type|field|option|file|shape|format|index", re.IGNORECASE)
SCORING = re.compile(
    r"loss|metric|accuracy|score|predict|logits|forward|apply|eval|generate|compute|^item$", re.IGNORECASE
)
WITHOUT_GRADIENTS = ("*.eval", "torch.no_grad", "torch.inference_mode", "torch.set_grad_enabled", "torch.autograd.no_grad")
HELD_OUT = re.compile(
    r"\b(val|valid|validation|test|eval|dev|held_?out)[ _/:-]+(set |data )?(loss|acc|accuracy|err|error|perplexity|ppl|metrics?|scores?|f1|nll|auc|reward)",
    re.IGNORECASE,
)
METRIC_LIBRARIES = (
    "torchmetrics.*",
    "sklearn.metrics.*",
    "evaluate.load",
    "evaluate.combine",
    "datasets.load_metric",
    "sacrebleu.*",
    "rouge_score.*",
    "rouge.Rouge",
    "nltk.translate.*",
    "seqeval.metrics.*",
    "bert_score.*",
    "jiwer.*",
    "pycocotools.cocoeval.COCOeval",
    "lm_eval.*.simple_evaluate",
    "lm_eval.simple_evaluate",
    "keras.metrics.*",
    "tensorflow.keras.metrics.*",
    "tensorflow.metrics.*",
    "ignite.metrics.*",
    "clu.metrics.*",
    "flax.nnx.metrics.*",
    "flax.nnx.Accuracy",
    "scipy.stats.pearsonr",
    "scipy.stats.spearmanr",
    "scipy.stats.kendalltau",
    "pytorch_lightning.metrics.*",
    "torcheval.metrics.*",
    "monai.metrics.*",
    "mir_eval.*",
    "editdistance.*",
    "sentence_transformers.evaluation.*",
    "sentence_transformers.*.evaluation.*",
    "stable_baselines3.common.evaluation.evaluate_policy",
    "composer.metrics.*",
    "fastai.metrics.*",
    "math_verify.verify",
    "ranx.*",
    "pytrec_eval.*",
    "ir_measures.*",
    "skimage.metrics.*",
    "lpips.LPIPS",
    "torch_fidelity.*",
    "optax.*accuracy*",
)
NOT_METRICS = ("pairwise", "DistanceMetric", "metrics.Mean", "clu.metrics.Collection", "metrics.Average")
_QUALITY = (
    r"accurac(y|ies)|top_?[15]_?(acc|accuracy)|f1_?score|f_?measure|perplexity|ppl|exact_?match|(sacre)?bleu|rouge\w*|bits_per_(byte|char|dim)|bpb|bpc"
    r"|pass_at_k|pass@\w+|mrr|n?dcg|recall_at_k|precision_recall|roc_?auc|auroc|auc|auprc|m?iou|psnr|ssim|wer|cer|mcc|matthews\w*|pearson\w*|spearman\w*|rmse"
    r"|r2_?score|edit_distance|hit_rate|win_?rate|success_rate|mean_average_precision|dice_(score|coef)|fid(_score)?"
)
METRIC_FUNCTION = re.compile(
    rf"(\w+_)?({_QUALITY})(_(score|fn|func|metric|metrics|at_k|from_logits|sent|reward|impl|batch))?|((compute|calc|calculate|get|macro|micro|token|qa|squad|weighted|binary)_)*f1"
    r"|(compute|calc|calculate)_(\w+_)?metrics?|(\w+_)?reward(s|_fn|_func|_function)",
    re.IGNORECASE,
)
METRIC_KEY = re.compile(rf"(.*[/_ .-])?({_QUALITY}|f1|acc|acc@?\d|top_?[15]|em|reward|rewards?[/_]\w+|mean_reward|mae|mse)([/_@ :=].*)?", re.IGNORECASE)
ARITHMETIC = frozenset(
    {"exp", "argmax", "eq", "mean", "sum", "item", "accuracy", "sqrt", "max", "topk", "compute", "update", "log2", "append", "average", "equal"}
)
RECORD_LOGGERS = (
    "*.loggers.CSVLogger",
    "*.loggers.csv_logs.CSVLogger",
    "keras.callbacks.CSVLogger",
    "tensorflow.keras.callbacks.CSVLogger",
    "*.save_metrics",
    "lm_eval.loggers.EvaluationTracker",
    "stable_baselines3.common.logger.CSVOutputFormat",
    "stable_baselines3.common.logger.JSONOutputFormat",
    "mmengine.visualization.LocalVisBackend",
    "dllogger.JSONStreamBackend",
    "jsonlines.open",
)
RECORD_WRITERS = ("json.dump", "json.dumps", "orjson.dumps", "ujson.dump", "simplejson.dump", "csv.writer", "csv.DictWriter", "*.to_csv", "*.to_json",
                  "jsonlines.Writer", "jsonlines.open", "numpy.savetxt", "*.write_csv", "*.write_ndjson", "yaml.dump", "*.to_parquet")  # fmt: skip
RECORD_FILE = re.compile(
    r"(metrics?|results?|scores?|evals?|evaluation|performance|history|loss(es)?|stats|report|leaderboard|accuracy|summary|progress|benchmark|log|perplexity"
    r"|train_?log)\w*\.(jsonl?|csv|tsv|ndjson)\b",
    re.IGNORECASE,
)
RECORD_FUNCTION = re.compile(
    r"_*(\w*_)?(save|write|dump|log|record|append|prepare|export|store|report|flush|update|create|output)\w*_?(metrics?|results?|scores?|summary|eval\w*|statistics|report)(_\w+)?"
    r"|evaluate|compute_metrics|run_eval\w*|eval_\w+|evaluate_\w+",
    re.IGNORECASE,
)
NOT_RECORDS = re.compile(r"model_?card|prediction|repro|cache|schema|benchmark", re.IGNORECASE)


def loop(tree: Tree) -> Found:
    return (
        tree.calls(*EVALUATORS, why="evaluates with {}")
        | tree.functions(lambda _, function: _is_hook(function), "defines the hook {}", "validation_step")
        | tree.keyword("eval_dataset", of=("*Trainer",), where=_gives("eval_dataset"), why="gives held-out data to {}")
        | tree.keyword("validation_data", "validation_split", "eval_set", "val_dataloaders", of=("*.fit",),
                       where=_gives("validation_data", "validation_split", "eval_set", "val_dataloaders"), why="gives held-out data to {}")
        | tree.keyword("eval_dataloader", of=("*Trainer",), where=_gives("eval_dataloader"), why="gives held-out data to {}")
        | tree.sites(_own_loops(tree), "evaluates in {}", ("a loop without gradients over held-out data",))
        | tree.inherited("evaluation.loop")
    )  # fmt: skip


def _is_hook(function: Function) -> bool:
    return last(function.name) in HOOKS and not function.stub and "." in function.name


def _gives(*names: str):  # type: ignore[no-untyped-def]
    def given(site: Site) -> bool:
        return any(site.argument(name) not in ("", "None") for name in names)

    return given


def _own_loops(tree: Tree) -> Iterator[Site]:
    """Functions that run a model without gradients and say that they evaluate: by their name, or by what they report."""
    quiet = {(site.module.path, site.scope) for site in tree.call_sites(*WITHOUT_GRADIENTS) if _switches_off(site)}
    for module in tree.code:
        if not _learns(module):
            continue
        looping = {call.scope for call in module.facts.calls if call.loop}
        for function in module.facts.functions:
            still = (module.path, function.name) in quiet or any("no_grad" in mark or "inference_mode" in mark for mark in function.decorators)
            name = last(function.name)
            named = bool(EVALUATION_NAME.fullmatch(name)) and not NOT_EVALUATION.search(name)
            if named and (still or (function.name in looping and _scores(module, function.name))):
                yield Site(module, name, function.line, function.name)
        yield from _unnamed(module, {scope for path, scope in quiet if path == module.path} & looping)


def _switches_off(site: Site) -> bool:
    return last(site.target) != "eval" or not site.arguments


def _learns(module: Module) -> bool:
    return any(item.target.partition(".")[0] in LEARNING for item in module.facts.imports) or any(
        item.target.startswith(".") for item in module.facts.imports
    )


def _scores(module: Module, scope: str) -> bool:
    """Whether a loop asks for a loss, a prediction or a score, or calls a function that it was handed (``?``)."""
    return any(
        call.scope == scope and call.loop and (call.target == "?" or SCORING.search(last(call.target)))
        for call in module.facts.calls
    )


def _unnamed(module: Module, scopes: set[str]) -> Iterator[Site]:
    for text in module.facts.texts:
        if text.scope in scopes and len(text.text) < 60 and HELD_OUT.search(text.text) and text.role in ("message", "formatted", "key", "argument"):
            yield Site(module, text.text[:40], text.line, text.scope)


def metrics(tree: Tree) -> Found:
    return (
        tree.calls(*METRIC_LIBRARIES, where=_is_metric, why="computes {}")
        | tree.subclasses("torchmetrics.*", "keras.metrics.*", "tensorflow.keras.metrics.*", "ignite.metrics.*", why="a metric on {}")
        | tree.keyword("compute_metrics", of=("*Trainer",), where=_gives("compute_metrics"), why="gives metrics to {}")
        | tree.keyword("metrics", of=("*.compile",), where=_gives("metrics"), why="gives metrics to {}")
        | tree.functions(lambda _, function: _computes_quality(function), "computes a metric in {}", "a function named after a metric")
        | _reported_metrics(tree)
        | tree.inherited("evaluation.metrics")
    )


def _is_metric(site: Site) -> bool:
    return not any(part in site.target for part in NOT_METRICS)


def _computes_quality(function: Function) -> bool:
    name = last(function.name).strip("_")
    return not function.stub and name not in ("metrics", "metric", "rewards", "reward") and bool(METRIC_FUNCTION.fullmatch(name))


def _reported_metrics(tree: Tree) -> Found:
    """A metric's name as a key, where the same function does the arithmetic."""
    working = {
        (module.path, call.scope)
        for module in tree.code
        if _learns(module)
        for call in module.facts.calls
        if last(call.target) in ARITHMETIC
    }
    named = tree.texts(f"(?i)^({METRIC_KEY.pattern})$", "key", "subscript", "argument", "formatted", why="reports {!r}")
    return named.where(lambda item: (item.path, item.scope) in working, "named, but nothing is computed here")


def records(tree: Tree) -> Found:
    return (
        tree.calls(*RECORD_LOGGERS[:-1], why="writes metrics with {}")
        | tree.calls(*RECORD_WRITERS, where=_records_metrics, why="writes metrics with {}")
        | tree.inherited("evaluation.records")
    )


def _records_metrics(site: Site) -> bool:
    near = [
        text.text
        for text in site.module.facts.texts
        if text.scope == site.scope and abs(text.line - site.line) <= 20 and text.role not in ("message", "help")
    ]
    if NOT_RECORDS.search(f"{site.module.path.rpartition('/')[2]}/{site.scope}") or not _writes(site):
        return False
    return any(RECORD_FILE.search(text) and not NOT_RECORDS.search(text) for text in near) or (
        bool(RECORD_FUNCTION.fullmatch(last(site.scope))) and not last(site.target).startswith("yaml")
    )


def _writes(site: Site) -> bool:
    """``dumps`` alone writes nothing."""
    if last(site.target) != "dumps":
        return last(site.target) not in ("to_json", "to_csv") or bool(site.arguments)
    inside = {last(call.target) for call in site.module.facts.calls if call.scope == site.scope}
    return bool(inside & {"write", "write_text", "open", "writelines"})


def tests(tree: Tree) -> Found:
    """Module-level evidence is left out: importing a script does not run its evaluation in a way that a test checks."""
    inside = (loop(tree) | metrics(tree)).where(lambda item: bool(item.scope), "not in a function that a test could call")
    return tree.tests_reaching(inside, why="runs evaluation code", depth=6)
