"""Metrics, where they are written, and their tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from codex_audit.capabilities.evaluation_loops import learns, loop
from codex_audit.capabilities.training_loops import reached
from codex_audit.facts.model import Class, Function
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site, gives
from codex_audit.query.tree import Tree

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
NOT_METRICS = (
    "pairwise",
    "DistanceMetric",
    "metrics.Mean",
    "clu.metrics.Collection",
    "metrics.Average",
    "torchmetrics.aggregation",
    "torchmetrics.utilities",
    "torchmetrics.RunningMean",
    "torchmetrics.RunningSum",
    "torchmetrics.MeanMetric",
    "torchmetrics.SumMetric",
)
# Names of measures of quality, as functions, keys and tags spell them; a bare "f1" or "top5" names models too.
_QUALITY = (
    r"accurac(y|ies)|top_?[15]_?(acc|accuracy)|f1_?score|f_?measure|perplexity|ppl"
    r"|exact_?match|(sacre)?bleu|rouge\w*|bits_per_(byte|char|dim)|bpb|bpc"
    r"|pass_at_k|pass@\w+|mrr|n?dcg|recall_at_k|precision_recall|roc_?auc|auroc|auc|auprc"
    r"|m?iou|psnr|ssim|wer|cer|mcc|matthews\w*|pearson\w*|spearman\w*|rmse"
    r"|r2_?score|edit_distance|hit_rate|win_?rate|success_rate|(mean_)?average_precision"
    r"|dice_(score|coef)|fid(_score)?"
)
METRIC_FUNCTION = re.compile(
    rf"(\w+_)?({_QUALITY})(_(score|fn|func|metric|metrics|at_k|from_logits|sent|reward|impl"
    rf"|batch))?|((compute|calc|calculate|get|macro|micro|token|qa|squad|weighted"
    rf"|binary)_)*f1"
    r"|(compute|calc|calculate)_(\w+_)?metrics?|(\w+_)?reward(s|_fn|_func|_function)",
    re.IGNORECASE,
)
METRIC_KEY = re.compile(
    rf"(.*[/_ .-])?({_QUALITY}|f1|acc|acc@?\d|top_?[15]|em|reward|rewards?[/_]\w+"
    rf"|mean_reward|mae|mse)([/_@ :=].*)?",
    re.IGNORECASE,
)
METRIC_PRINT = (
    r"(?i)(^|[\s,;|(\[])(accuracy|acc|perplexity|ppl|f1|bleu|rouge\S*|exact match|bpb|bpc|auc|miou|psnr)"
    r"(@\d)?[ )]*[:=]"
)
METRIC_CLASS = re.compile(r"(Evaluator|Metrics?|Accuracy|Perplexity|F1|AUC|AUROC|IoU)$")
ARITHMETIC = frozenset(
    "exp argmax eq mean sum item accuracy sqrt max topk compute update log2 append average equal".split()
)


def metrics(tree: Tree) -> Found:
    return (
        tree.calls(*METRIC_LIBRARIES, where=_is_metric, why="computes {}")
        | tree.subclasses(
            "torchmetrics.*",
            "keras.metrics.*",
            "tensorflow.keras.metrics.*",
            "ignite.metrics.*",
            why="a metric on {}",
        )
        | reached(
            tree,
            tree.keyword(
                "compute_metrics", of=("*Trainer",), where=gives("compute_metrics"), why="gives metrics to {}"
            ),
        )
        | tree.keyword("metrics", of=("*.compile",), where=gives("metrics"), why="gives metrics to {}")
        | tree.functions(
            lambda _, function: _computes_quality(function),
            "computes a metric in {}",
            "a function named after a metric",
        )
        | tree.classes(
            _accumulates_quality, "a metric of its own: {}", "a class that updates and computes a metric"
        )
        | _reported_metrics(tree)
        | tree.inherited("evaluation.metrics")
    )


def _is_metric(site: Site) -> bool:
    """Not a mean of anything, nor what a metric of the tree asks of itself."""
    owner = node_of(site.module, site.scope.partition(".")[0])
    return not any(part in site.target for part in NOT_METRICS) and not site.target.startswith(f"{owner}().")


def _computes_quality(function: Function) -> bool:
    name = last(function.name).strip("_")
    return (
        not function.stub
        and name not in ("metrics", "metric", "rewards", "reward")
        and bool(METRIC_FUNCTION.fullmatch(name))
    )


def _accumulates_quality(module: Module, cls: Class) -> bool:
    """A class named as metric or evaluator that takes batches and then gives a result."""

    def has(*names: str) -> bool:
        found = (module.functions.get(f"{cls.name}.{name}") for name in names)
        return any(item is not None and not item.stub for item in found)

    named = METRIC_CLASS.search(last(cls.name)) is not None
    return (
        named
        and has("update", "update_state", "add_batch")
        and has("compute", "result", "accumulate", "summarize")
    )


def _named_arguments(module: Module) -> Iterator[Site]:
    """Metrics by the names of arguments: ``dict(top1=...)``, ``metrics.update(micro_f1=...)``."""
    for call in module.facts.calls:
        if last(call.target) in ("dict", "OrderedDict", "update", "log_metrics"):
            for item in call.arguments:
                if METRIC_KEY.fullmatch(item.name):
                    yield Site(module, item.name, call.line, call.scope)


def _reported_metrics(tree: Tree) -> Found:
    """A metric's name as a key, where the same function does the arithmetic."""
    working = {
        (module.path, call.scope)
        for module in tree.code
        if learns(tree, module)
        for call in module.facts.calls
        if last(call.target) in ARITHMETIC
    }
    named = tree.texts(
        f"(?i)^({METRIC_KEY.pattern})$", "key", "subscript", "argument", "formatted", why="reports {!r}"
    )
    named |= tree.sites(
        (site for module in tree.code for site in _named_arguments(module)), "reports {}", ("metric=",)
    )
    printed = tree.texts(METRIC_PRINT, "message", "formatted", why="prints {!r}")
    reported = (named | printed).where(
        lambda item: (item.path, item.scope) in working, "named, but nothing is computed here"
    )
    return replace(reported, evidence=tuple(replace(item, strength="declared") for item in reported.evidence))


def tests(tree: Tree) -> Found:
    """Module-level evidence is left out: importing a script does not run its evaluation in a way that a test checks."""
    inside = (loop(tree) | metrics(tree)).where(
        lambda item: bool(item.scope), "not in a function that a test could call"
    )
    return tree.tests_reaching(inside, why="runs evaluation code", depth=6)
