"""Answers to the prompts of instruction pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from torch import nn

from codex_evidence.errors import UsageError
from codex_train.config.nouns import DataConfig
from codex_train.data.corpus import Bad, Tally, documents
from codex_train.data.encoder import Encoder
from codex_train.data.files import Source
from codex_train.evaluation.neutral import undisturbed

# ``generate(ids, room)`` of models/generate.py with its model, end and greedy choice filled in.
Generate = Callable[[list[int], int], list[int]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked, what was wanted, and what the model said."""

    prompt: str
    wanted: str
    said: str


def pairs(sources: tuple[Source, ...], config: DataConfig, most: int) -> list[tuple[str, str]]:
    """The first ``most`` (0 for all) prompts and answers of ``sources``. Raises UsageError when there are none."""
    found = islice(_pairs(sources, config), most or None)
    listed = list(found)
    if not listed:
        raise UsageError("the data holds no pair of prompt and answer; see --format instructions")
    return listed


def answer_all(
    model: nn.Module,
    encoder: Encoder,
    asked: Sequence[tuple[str, str]],
    *,
    context: int,
    limit: int,
    generate: Generate,
) -> list[Answered]:
    """What ``generate`` makes of each prompt of ``asked``: at most ``limit`` tokens, as many as ``context`` has room
    for. A prompt that fills the context is not answered: the answer is empty. The model is left as it was."""
    found = []
    with undisturbed(model):
        for prompt, wanted in asked:
            ids = [int(one) for one in encoder.encode(prompt)]
            room = min(limit, context - len(ids))
            # A prompt without a token has nothing to go on from; the end of a document stands before every text.
            said = encoder.decode(generate(ids or [encoder.end], room)) if room > 0 else ""
            found.append(Answered(prompt, wanted, said))
    return found


def _pairs(sources: tuple[Source, ...], config: DataConfig) -> Iterator[tuple[str, str]]:
    tally = Tally(sources, config.bad_records, configured=False)
    for item in documents(sources, config, tally):
        if not isinstance(item, Bad):
            yield item.text, item.answer or ""
