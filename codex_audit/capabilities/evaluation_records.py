"""Where metrics are written as data."""

from __future__ import annotations

import re

from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

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
HARNESSES = frozenset(
    (
        "lm_eval.simple_evaluate lm_eval.evaluator.simple_evaluate lm_eval.evaluate lm_eval.evaluator.evaluate "
        "sklearn.model_selection.cross_validate sklearn.model_selection.cross_val_score "
        "sklearn.metrics.classification_report"
    ).split()
)
NOT_RECORDS = re.compile(r"model_?card|prediction|repro|cache|schema|benchmark", re.IGNORECASE)
_RESULTS_CLASS = re.compile(r"(Evaluator|Evaluation|Metrics?|Benchmark|Leaderboard)$")


def records(tree: Tree) -> Found:
    return (
        tree.calls(*RECORD_LOGGERS, why="writes metrics with {}")
        | tree.calls(*RECORD_WRITERS, where=_records_metrics, why="writes metrics with {}")
        | tree.inherited("evaluation.records")
    )


def _records_metrics(site: Site) -> bool:
    owner = site.scope.partition(".")[0]
    near = [
        text.text
        for text in site.module.facts.texts
        if text.role not in ("message", "help")
        and (
            text.scope == f"{owner}.__init__"
            or (text.scope == site.scope and abs(site.module.apart(site.line, text.line)) <= NEAR)
        )
    ]
    if NOT_RECORDS.search(f"{site.module.path.rpartition('/')[2]}/{site.scope}") or not _writes(site):
        return False
    if any(RECORD_FILE.search(text) and not NOT_RECORDS.search(text) for text in near):
        return True
    if owner in site.module.classes and _RESULTS_CLASS.search(owner):
        return True
    return _follows_evaluation(site) or (
        bool(RECORD_FUNCTION.fullmatch(last(site.scope))) and not last(site.target).startswith("yaml")
    )


def _follows_evaluation(site: Site) -> bool:
    """Whether the function has had a library evaluate before: what it writes then is the result."""
    return any(
        call.scope == site.scope and call.bound and call.target in HARNESSES and call.line < site.line
        for call in site.module.facts.calls
    )


def _writes(site: Site) -> bool:
    """``dumps`` alone writes nothing."""
    if last(site.target) != "dumps":
        return last(site.target) not in ("to_json", "to_csv") or bool(site.arguments)
    inside = {last(call.target) for call in site.module.facts.calls if call.scope == site.scope}
    return bool(inside & {"write", "write_text", "open", "writelines"})
