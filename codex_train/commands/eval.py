"""``codex-train eval``: how good a model is on data that it has not seen."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from codex_train.commands.options import Subparsers, given_path, print_json, print_lines

if TYPE_CHECKING:
    from pathlib import Path

    from codex_train.evaluation.bootstrap import Interval
    from codex_train.evaluation.measure import Measured

START = "start"


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("eval", help="measure a model on data")
    parser.add_argument(
        "model",
        type=given_path,
        metavar="MODEL",
        help="a run (its latest checkpoint), a checkpoint, or the folder of a model",
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="files or globs (default: what the model's run held out)"
    )
    parser.add_argument(
        "--against",
        default="",
        metavar="MODEL",
        help="compare the loss with that of another model on the same samples; `start` is the run's before its first "
        "step",
    )
    parser.add_argument(
        "--format",
        choices=("jsonl", "text", "instructions"),
        default="",
        help="what the files hold (default: by their names, and as the run read its own)",
    )
    parser.add_argument(
        "--metrics",
        type=_names,
        default=("loss",),
        metavar="NAMES",
        help="of loss, exact, f1, bleu, rouge, chrf, with commas (default: loss); all but loss need instructions",
    )
    parser.add_argument(
        "--max-samples",
        type=_count,
        metavar="N",
        help="only the first N, 0 for all (default: as the run, or all)",
    )
    parser.add_argument(
        "--max-answers",
        type=_count,
        metavar="N",
        help="the same of answers (default: --max-samples, if given)",
    )
    parser.add_argument(
        "--bootstrap",
        type=_count,
        default=0,
        metavar="N",
        help="95%% intervals from N resamples, such as 2000",
    )
    parser.add_argument("--seed", type=_count, default=0, metavar="N", help="of the resamples (default: 0)")
    parser.add_argument(
        "--batch", type=_positive, default=8, metavar="N", help="samples at once (default: 8)"
    )
    parser.add_argument(
        "--context", type=_count, default=0, metavar="N", help="tokens in a sample (default: the run's)"
    )
    parser.add_argument(
        "--limit", type=_positive, metavar="N", help="tokens in an answer (default: as the run, or 128)"
    )
    parser.add_argument("--tokenizer", default="", metavar="PATH", help="another tokenizer, or `bytes`")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.config.nouns import RunConfig
    from codex_train.engine.settings import device_of, device_type
    from codex_train.evaluation.measure import Question, check_question, measure
    from codex_train.evaluation.subject import as_it_began, open_subject

    question = Question(
        files=tuple(arguments.data),
        metrics=arguments.metrics,
        format=arguments.format,
        max_samples=arguments.max_samples,
        max_answers=arguments.max_answers,
        batch=arguments.batch,
        limit=arguments.limit,
        resamples=arguments.bootstrap,
        seed=arguments.seed,
    )
    check_question(question, compared=bool(arguments.against))
    device = device_of(device_type(RunConfig(device=arguments.device)), 0)
    subject = open_subject(arguments.model, tokenizer=arguments.tokenizer, context=arguments.context)
    against = None
    if arguments.against == START:
        against = as_it_began(subject)
    elif arguments.against:
        path = given_path(arguments.against)
        against = open_subject(path, tokenizer=arguments.tokenizer, context=arguments.context)
    measured = measure(subject, question, device, against)
    if arguments.json:
        print_json({"model": str(subject.origin), "context": subject.context, **measured.document()})
    else:
        print_lines(_lines(measured, subject.origin, subject.context))
    return 0


def _lines(measured: Measured, origin: Path, context: int) -> Iterator[str]:
    yield f"model           {origin}, samples of {context} tokens"
    yield from measured.notes
    if loss := measured.loss:
        yield f"loss            {loss.loss:.4f} nats a token{_shown(measured.interval, 4)}"
        yield f"perplexity      {loss.perplexity:.4g}"
        if loss.bits_per_byte is not None:
            yield f"bits per byte   {loss.bits_per_byte:.4f}"
        yield f"token accuracy  {loss.token_accuracy:.2%}"
        yield f"measured on     {loss.samples:,} samples, {loss.targets:,} targets"
    for one in measured.scores:
        yield f"{one.name:<16}{one.value:.2f} of 100{_shown(one.interval, 2)}  [{one.signature}]"
    if measured.other and (apart := measured.difference):
        sure = f"{'' if apart.excludes_zero else 'not '}sure"
        yield f"compared with   {measured.other.loss:.4f} nats a token"
        yield f"difference      {apart.point:+.4f}{_shown(apart, 4)}, {sure} to be one"
    if measured.scores:
        yield f"scored          {measured.answers:,} generated answers"


def _shown(interval: Interval | None, digits: int) -> str:
    if interval is None:
        return ""
    return f" ({interval.level:.0%} {interval.low:.{digits}f} to {interval.high:.{digits}f})"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text[:40]!a} is not a number from 0 to 999999999")
    return int(text)


def _positive(text: str) -> int:
    if not (count := _count(text)):
        raise argparse.ArgumentTypeError("0 is not a number from 1 to 999999999")
    return count
