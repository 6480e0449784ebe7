"""A whole evaluation: data to blocks, blocks to loss, prompts to answers, answers to scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import UsageError
from codex_evidence.names import shown
from codex_evidence.plain import to_plain
from codex_train.config.nouns import DataConfig, EvaluationConfig, Format, Precision
from codex_train.data.blocks import Blocks
from codex_train.data.prepare import Prepared, prepare
from codex_train.engine.precision import autocast
from codex_train.evaluation.answers import METRICS, Score, require, score
from codex_train.evaluation.bootstrap import RESAMPLES, Interval, mean_interval, paired_difference
from codex_train.evaluation.loss import LossMetrics, evaluate
from codex_train.evaluation.pairs import answer_all, pairs, unwritable
from codex_train.evaluation.subject import Subject

LOSS = "loss"
NAMES = (LOSS, *METRICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to measure. Without ``files`` it is measured on what the model's own run held out. ``format`` is empty for
    what the run or the name of the file says; ``resamples`` 0 gives no intervals; ``limit`` is the longest answer in
    tokens. ``max_samples`` and ``max_answers`` are 0 for all. Of what is None the run's own evaluation decides, of
    files all, and 128 tokens; ``max_samples`` also counts for answers where ``max_answers`` does not."""

    files: tuple[str, ...]
    metrics: tuple[str, ...] = (LOSS,)
    format: str = ""
    max_samples: int | None = None
    max_answers: int | None = None
    batch: int = 8
    limit: int | None = None
    resamples: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """``interval`` is that of the loss. ``other`` is the loss of the model that it was compared with, on the same
    samples, and ``difference`` the interval of the loss minus that one. ``notes`` are lines for the user, on what was
    left out."""

    loss: LossMetrics | None
    interval: Interval | None
    other: LossMetrics | None
    difference: Interval | None
    scores: tuple[Score, ...]
    answers: int
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "loss": None if self.loss is None else self.loss.figures(),
            "loss_interval": None if self.interval is None else to_plain(self.interval),
            "against": None if self.other is None else self.other.figures(),
            "difference": None if self.difference is None else to_plain(self.difference),
            "answers": self.answers,
            "scores": [to_plain(one) for one in self.scores],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Material:
    """What is measured on: ``blocks`` for the loss (None where it is not asked for) and ``pairs`` to be answered."""

    blocks: Blocks | None
    pairs: list[tuple[str, str]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Limits:
    """How many samples and answers at most, 0 for all, and how many ``tokens`` in an answer."""

    samples: int
    answers: int
    tokens: int


def check_question(question: Question, *, compared: bool = False) -> None:
    """Raises UsageError for metrics that there are not, that the format cannot give or that need a package which is not
    installed, and for what would go unheard: before a model is loaded. ``compared`` is whether there is another model.
    """
    if unknown := [name for name in question.metrics if name not in NAMES]:
        raise UsageError(f"no metric called {unknown[0]!a}; there are {', '.join(NAMES)}")
    if not question.metrics:
        raise UsageError(f"no metric is asked for; name some of {', '.join(NAMES)}")
    if compared and LOSS not in question.metrics:
        raise UsageError("models are compared by their loss; add it to --metrics, or leave --against out")
    if question.format and not question.files:
        raise UsageError("--format says what files hold; name files, or leave it out")
    generated = [name for name in question.metrics if name != LOSS]
    if not generated and (question.limit is not None or question.max_answers is not None):
        raise UsageError("--limit and --max-answers are for generated answers; ask for a metric of these too")
    if generated and question.format not in ("", Format.instructions.value):
        raise UsageError(f"the metric {generated[0]} compares answers, so it needs --format instructions")
    for name in generated:
        require(name)


def measure(
    subject: Subject, question: Question, device: torch.device, against: Subject | None = None
) -> Measured:
    """The figures of ``subject`` that ``question`` asks for, its loss compared with that of ``against`` on the same
    samples. Raises UsageError and UnreadableError."""
    check_question(question, compared=against is not None)
    for one in filter(None, (subject, against)):
        _check_positions(one, subject.context)
    limits = _limits(subject, question)
    material = _material(subject, question, limits, _data(subject, question))
    if against is not None and against.encoder.digest != subject.encoder.digest:
        raise UsageError(
            f"{shown(against.origin)} has another tokenizer than {shown(subject.origin)}, so their losses a token do "
            "not compare; compare their bits per byte"
        )
    subject.model.to(device)
    loss = other = None
    if material.blocks is not None:
        loss = _loss(subject, material.blocks, question.batch, limits, device)
        other = None if against is None else _loss(against, material.blocks, question.batch, limits, device)
    interval = (
        mean_interval(loss.per_sample, question.seed, resamples=question.resamples)
        if loss and question.resamples
        else None
    )
    return Measured(
        loss,
        interval,
        other,
        _difference(loss, other, question),
        _scores(subject, question, material.pairs, limits.tokens, device) if material.pairs else (),
        len(material.pairs),
        material.notes,
    )


def _check_positions(subject: Subject, context: int) -> None:
    """Raises UsageError where the model of ``subject`` has no place for samples of ``context`` tokens."""
    positions = getattr(getattr(subject.model, "config", None), "max_position_embeddings", None)
    if isinstance(positions, int) and 0 < positions < context:
        raise UsageError(
            f"{shown(subject.origin)} has {positions} positions, and samples have {context} tokens; give a smaller "
            "--context"
        )


def _limits(subject: Subject, question: Question) -> _Limits:
    recorded = subject.recorded
    own = EvaluationConfig(max_answers=0)
    if recorded is not None and not question.files:
        own = recorded.config.evaluation
    answers = question.max_answers if question.max_answers is not None else question.max_samples
    return _Limits(
        samples=own.max_samples if question.max_samples is None else question.max_samples,
        answers=own.max_answers if answers is None else answers,
        tokens=own.answer_limit if question.limit is None else question.limit,
    )


def _material(subject: Subject, question: Question, limits: _Limits, config: DataConfig) -> _Material:
    generated = [name for name in question.metrics if name != LOSS]
    if generated and question.files and config.format is not Format.instructions:
        raise UsageError(f"the metric {generated[0]} compares answers, so it needs --format instructions")
    if question.files:
        data = prepare(config, Path.cwd(), subject.encoder, question.seed, configured=False)
        blocks = data.train
    else:
        data = _held_out(subject, config, bool(generated))
        assert data.validation is not None  # noqa: S101 - or it had been refused
        blocks = data.validation
    asked, encoder = list[tuple[str, str]](), subject.encoder
    if generated:
        asked = pairs(data, config, encoder, limits.answers, held_out=not question.files)
    notes = (*data.notes, *unwritable(asked, encoder))
    return _Material(blocks if LOSS in question.metrics else None, asked, notes)


def _held_out(subject: Subject, config: DataConfig, generated: bool) -> Prepared:
    """What the run of ``subject`` held out, and nothing else: packed anew, it has to be the data of the run."""
    recorded = subject.recorded
    if recorded is None:
        raise UsageError(f"{shown(subject.origin)} is not of a run that held something out; name files")
    if not recorded.config.data.validation:
        raise UsageError(f"the run of {shown(subject.origin)} held nothing out; name files")
    if generated and config.format is not Format.instructions:
        raise UsageError(
            f"the run of {shown(subject.origin)} held out no pairs of prompt and answer; name files of such pairs"
        )
    if subject.context != recorded.config.data.context:
        raise UsageError("--context cuts other samples than those that the run held out; name files")
    data = prepare(config, recorded.base, subject.encoder, recorded.config.run.seed)
    if sha256_hex(canonical_bytes(data.manifest)) != recorded.identity.data:
        raise UsageError(
            "the data are not those of the run (its files or its tokenizer are others), so nobody knows what it held "
            "out of them; put them back, or name files"
        )
    return data


def _loss(
    subject: Subject, samples: Blocks, batch: int, limits: _Limits, device: torch.device
) -> LossMetrics:
    return evaluate(
        subject.model.to(device),
        samples,
        batch=batch,
        max_samples=limits.samples,
        device=device,
        autocast=autocast(_precision(subject), device),
    )


def _precision(subject: Subject) -> Precision:
    """In which a run evaluated its model; float32 without a run."""
    return subject.recorded.config.run.precision if subject.recorded else Precision.float32


def _difference(loss: LossMetrics | None, other: LossMetrics | None, question: Question) -> Interval | None:
    if loss is None or other is None:
        return None
    resamples = question.resamples or RESAMPLES
    return paired_difference(loss.per_sample, other.per_sample, question.seed, resamples=resamples)


def _scores(
    subject: Subject, question: Question, asked: Sequence[tuple[str, str]], limit: int, device: torch.device
) -> tuple[Score, ...]:
    answered = answer_all(
        subject.model,
        subject.encoder,
        asked,
        context=subject.context,
        limit=limit,
        autocast=autocast(_precision(subject), device),
    )
    said, wanted = [one.said for one in answered], [one.wanted for one in answered]
    generated = [name for name in question.metrics if name != LOSS]
    return score(said, wanted, generated, resamples=question.resamples, seed=question.seed)


def _data(subject: Subject, question: Question) -> DataConfig:
    """How the samples are read: files as the run read its own, but whole and without noise; else what it held out."""
    if not question.files:
        return replace(subject.data, context=subject.context)
    return replace(
        subject.data,
        files=list(question.files),
        format=Format(question.format or _format_of(subject, question.files)),
        context=subject.context,
        validation=0.0,
        noise=0.0,
        workers=0,
    )


def _format_of(subject: Subject, files: Sequence[str]) -> str:
    lines = all(name.endswith((".jsonl", ".ndjson")) for name in files)
    if not lines:
        return Format.text.value
    keyed = subject.data.format in (Format.jsonl, Format.instructions)
    return subject.data.format.value if keyed else Format.jsonl.value
