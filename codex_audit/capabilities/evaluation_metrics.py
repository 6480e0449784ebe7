"""Metrics, where they are written, and their tests."""

from __future__ import annotations

import re
from dataclasses import replace

from codex_audit.capabilities.evaluation_loops import learns, loop
from codex_audit.facts.model import Function
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
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
    r"|r2_?score|edit_distance|hit_rate|win_?rate|success_rate|mean_average_precision"
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
ARITHMETIC = frozenset(
    "exp argmax eq mean sum item accuracy sqrt max topk compute update log2 append average equal".split()
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
)
RECORD_WRITERS = (
    "json.dump",
    "json.dumps",
    "orjson.dumps",
    "ujson.dump",
    "simplejson.dump",
    "csv.writer",
    "csv.DictWriter",
    "*.to_csv",
    "*.to_json",
    "jsonlines.Writer",
    "jsonlines.open",
    "numpy.savetxt",
    "*.write_csv",
    "*.write_ndjson",
    "yaml.dump",
    "*.to_parquet",
)
RECORD_FILE = re.compile(
    r"(metrics?|results?|scores?|evals?|evaluation|performance|history|loss(es)?|stats"
    r"|report|leaderboard|accuracy|summary|progress|benchmark|log|perplexity"
    r"|train_?log)\w*\.(jsonl?|csv|tsv|ndjson)\b",
    re.IGNORECASE,
)
RECORD_FUNCTION = re.compile(
    r"_*(\w*_)?(save|write|dump|log|record|append|prepare|export|store|report|flush|update"
    r"|create|output)\w*_?(metrics?|results?|scores?|summary|eval\w*|statistics"
    r"|report)(_\w+)?"
    r"|evaluate|compute_metrics|run_eval\w*|eval_\w+|evaluate_\w+",
    re.IGNORECASE,
)
NEAR = 12
"""Statements between a write and the name of the file."""
NOT_RECORDS = re.compile(r"model_?card|prediction|repro|cache|schema|benchmark", re.IGNORECASE)


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
        | tree.keyword(
            "compute_metrics", of=("*Trainer",), where=gives("compute_metrics"), why="gives metrics to {}"
        )
        | tree.keyword("metrics", of=("*.compile",), where=gives("metrics"), why="gives metrics to {}")
        | tree.functions(
            lambda _, function: _computes_quality(function),
            "computes a metric in {}",
            "a function named after a metric",
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
    printed = tree.texts(METRIC_PRINT, "message", "formatted", why="prints {!r}")
    reported = (named | printed).where(
        lambda item: (item.path, item.scope) in working, "named, but nothing is computed here"
    )
    return replace(reported, evidence=tuple(replace(item, strength="declared") for item in reported.evidence))


def records(tree: Tree) -> Found:
    return (
        tree.calls(*RECORD_LOGGERS, why="writes metrics with {}")
        | tree.calls(*RECORD_WRITERS, where=_records_metrics, why="writes metrics with {}")
        | tree.inherited("evaluation.records")
    )


def _records_metrics(site: Site) -> bool:
    here = site.module.statement(site.line)
    near = [
        text.text
        for text in site.module.facts.texts
        if text.scope == site.scope
        and abs(site.module.statement(text.line) - here) <= NEAR
        and text.role not in ("message", "help")
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
    inside = (loop(tree) | metrics(tree)).where(
        lambda item: bool(item.scope), "not in a function that a test could call"
    )
    return tree.tests_reaching(inside, why="runs evaluation code", depth=6)
