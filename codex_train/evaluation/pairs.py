"""Instruction pairs, and what a model answers to their prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

from torch import nn

from codex_train.config.nouns import DataConfig
from codex_train.data.corpus import Bad, Tally, documents
from codex_train.data.encoder import Encoder
from codex_train.data.files import Source
from codex_train.data.prepare import Prepared
from codex_train.data.stream import pair_hash, unusable
from codex_train.data.units import Units
from codex_train.evaluation.neutral import undisturbed
from codex_train.models.generate import generate

_ALL = 1 << 64


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked, what was wanted, and what the model said."""

    prompt: str
    wanted: str
    said: str


def pairs(
    data: Prepared, config: DataConfig, encoder: Encoder, most: int = 0, *, held_out: bool
) -> list[tuple[str, str]]:
    """The first ``most`` (0 for all) prompts and answers whose rows are ``data.validation``, or ``data.train`` where
    nothing is ``held_out``, as ``config`` and ``encoder`` describe them, in the order of the corpus: the texts as they
    stand there, not as tokens or cut."""
    highest = data.held_up_to if held_out else _ALL
    found = (
        (prompt, answer)
        for prompt, answer in _pairs(data.sources, config)
        if pair_hash(prompt, answer) <= highest
        and not unusable(_count(prompt, encoder), _count(answer, encoder), answer, config.context)
    )
    return list(islice(found, most or None))


def unwritable(asked: Sequence[tuple[str, str]], encoder: Encoder) -> tuple[str, ...]:
    """A line for the user where answers cannot come out as they stand, however good a model is: its tokenizer makes
    letters small, or drops some."""
    count = sum(encoder.decode([int(one) for one in encoder.encode(answer)]) != answer for _, answer in asked)
    if not count:
        return ()
    return (
        f"the tokenizer cannot write {count} of the {len(asked)} answers as they stand: bleu and chrf stay below 100",
    )


def answer_all(
    model: nn.Module,
    encoder: Encoder,
    asked: Sequence[tuple[str, str]],
    *,
    context: int,
    limit: int,
    autocast: AbstractContextManager[object] | None = None,
) -> list[Answered]:
    """What ``model`` goes on to each prompt of ``asked``, the likeliest token each time: at most ``limit`` tokens, as
    many as ``context`` has room for. A prompt that fills the context is not answered: the answer is empty. ``autocast``
    is entered for each. The model is left as it was."""
    found = []
    with undisturbed(model):
        for prompt, wanted in asked:
            ids = [int(one) for one in encoder.encode(prompt)]
            room = min(limit, context - len(ids))
            # A prompt without a token has nothing to go on from; the end of a document stands before every text.
            said = ""
            if room > 0:
                with autocast or nullcontext():
                    made = generate(
                        model, ids or [encoder.end], limit=room, end=encoder.end, size=encoder.size
                    )
                said = encoder.decode(made)
            found.append(Answered(prompt, wanted, said))
    return found


def _pairs(sources: tuple[Source, ...], config: DataConfig) -> Iterator[tuple[str, str]]:
    tally = Tally(sources, config.bad_records, configured=False)
    for item in documents(sources, config, tally):
        if not isinstance(item, Bad):
            yield item.text, item.answer or ""


def _count(text: str, encoder: Encoder) -> int:
    return sum(len(ids) for ids in Units(encoder).ids(text, last=True))
