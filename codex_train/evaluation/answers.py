"""Scores of generated answers against the ones that were wanted, each from 0 to 100.

Exact match and F1 follow the evaluation of SQuAD (arXiv:1606.05250); BLEU and chrF come from sacrebleu
(arXiv:1804.08771), ROUGE from rouge-score, the port of the original program that its users compare with.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from codex_evidence.errors import UsageError
from codex_train.evaluation.bootstrap import Interval, PerSample, mean_interval, percentiles, resampled

METRICS = ("exact", "f1", "bleu", "rouge", "chrf")
_ROUGE = ("rouge1", "rouge2", "rougeL")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Score:
    """One figure over all answers, 0 to 100. ``interval`` is None unless it was asked for; ``signature`` says which
    variant of the metric this is, so that others can compute the same."""

    name: str
    value: float
    interval: Interval | None
    signature: str


@dataclass(frozen=True, slots=True)
class _Corpus:
    """A figure of a whole corpus that is not the mean of its samples."""

    name: str
    score: Callable[[Sequence[str], Sequence[str]], float]
    signature: Callable[[], str]


def score(
    predictions: Sequence[str],
    references: Sequence[str],
    metrics: Sequence[str],
    *,
    resamples: int = 0,
    seed: int = 0,
) -> tuple[Score, ...]:
    """The ``metrics`` (of METRICS; `rouge` is three) of ``predictions`` against ``references``, in the order asked for.

    ``resamples`` draws give each a 95 % interval. Raises UsageError for a metric that there is not, for nothing to
    score, and where the library that a metric needs is not installed.
    """
    if unknown := [name for name in metrics if name not in METRICS]:
        raise UsageError(f"no metric called {unknown[0]!a}; there are {', '.join(METRICS)}")
    if not references or len(predictions) != len(references):
        raise UsageError(
            f"cannot score {len(predictions)} answers against {len(references)}; give one for each"
        )
    found: list[Score] = []
    for name in metrics:
        if name in ("bleu", "chrf"):
            found.append(_corpus_score(_corpus(name), predictions, references, resamples, seed))
        else:
            found += [
                _mean_score(label, values, signature, resamples, seed)
                for label, values, signature in _each(name, predictions, references)
            ]
    return tuple(found)


def normalised(text: str) -> str:
    """``text`` as SQuAD compares it: lower case, without ASCII punctuation and English articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, reference: str) -> float:
    """1.0 when the two are one answer once normalised, else 0.0."""
    return float(normalised(prediction) == normalised(reference))


def token_f1(prediction: str, reference: str) -> float:
    """The harmonic mean of precision and recall over the words of both, 0 to 1; two empty answers agree."""
    said, wanted = normalised(prediction).split(), normalised(reference).split()
    if not said or not wanted:
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))


def require(metric: str) -> None:
    """Raises UsageError that says how to install the library that ``metric`` needs, if it is not there."""
    if metric == "rouge":
        _rouge()
    elif metric in ("bleu", "chrf"):
        _sacrebleu()


def _rouge() -> Any:
    return _library("rouge_score.rouge_scorer", "rouge-score")


def _sacrebleu() -> Any:
    return _library("sacrebleu.metrics", "sacrebleu")


def _library(name: str, package: str) -> Any:
    """The module ``name`` of the optional ``package``. Raises UsageError that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"the metrics of {package} need that package ({error}): pip install 'codex-audit[eval]', or leave them out "
            "(evaluation.metrics, --metrics)"
        ) from error


class _Words:
    """Words for ROUGE. Its own tokenizer knows no letter beyond a to z and would score every other script 0."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())


def _each(
    name: str, predictions: Sequence[str], references: Sequence[str]
) -> list[tuple[str, list[float], str]]:
    """Name, score of each sample (0 to 1) and signature of the figures that ``name`` stands for."""
    pairs = list(zip(predictions, references, strict=True))
    if name == "rouge":
        scorer = _rouge().RougeScorer(_ROUGE, tokenizer=_Words())
        scored = [scorer.score(wanted, said) for said, wanted in pairs]
        signature = "F-measure, no stemming, lower case, words of any script"
        return [(label, [one[label].fmeasure for one in scored], signature) for label in _ROUGE]
    rule = exact_match if name == "exact" else token_f1
    return [(name, [rule(said, wanted) for said, wanted in pairs], "SQuAD normalisation")]


def _mean_score(name: str, values: list[float], signature: str, resamples: int, seed: int) -> Score:
    percent = np.array(values, dtype=np.float64) * 100
    samples = PerSample(percent, np.ones(len(values), dtype=np.int64))
    interval = mean_interval(samples, seed, resamples=resamples) if resamples else None
    return Score(name, samples.mean, interval, signature)


def _corpus(name: str) -> _Corpus:
    metrics = _sacrebleu()
    metric = metrics.BLEU() if name == "bleu" else metrics.CHRF()
    return _Corpus(
        name=name,
        score=lambda said, wanted: float(metric.corpus_score(list(said), [list(wanted)]).score),
        signature=lambda: str(metric.get_signature()),
    )


def _corpus_score(
    corpus: _Corpus, predictions: Sequence[str], references: Sequence[str], resamples: int, seed: int
) -> Score:
    value = corpus.score(predictions, references)
    interval = None
    if resamples:
        figures = [
            corpus.score([predictions[index] for index in row], [references[index] for index in row])
            for drawn in resampled(len(references), seed, resamples)
            for row in drawn
        ]
        interval = percentiles(value, np.array(figures))
    return Score(corpus.name, value, interval, corpus.signature())
