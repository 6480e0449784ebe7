"""From a configuration to what is trained: the tokenizer, the samples and the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from codex_train.config.nouns import Config
from codex_train.data.encoder import Encoder
from codex_train.data.prepare import Prepared, prepare
from codex_train.engine.processes import World
from codex_train.evaluation.answers import require
from codex_train.evaluation.held_out import HeldOut, to_judge_by


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on, before any weight. ``held`` is None where nothing is held out."""

    encoder: Encoder
    data: Prepared
    held: HeldOut | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user, on what was left out and what cannot be."""
        return (*self.data.notes, *(self.held.notes if self.held else ()))


def lay_ground(config: Config, base: Path, world: World) -> Ground:
    """Tokenizer and samples; the leading process packs them, the others open what it packed."""
    from codex_train.tokenization.load import load_encoder

    for name in config.evaluation.metrics:
        require(name)
    encoder = load_encoder(config.tokenizer, base)
    data = prepare(config.data, base, encoder, config.run.seed) if world.leads else None
    world.barrier()
    data = data or prepare(config.data, base, encoder, config.run.seed)
    return Ground(encoder, data, to_judge_by(data, config.data, config.evaluation, encoder))


def make_model(config: Config, base: Path, encoder: Encoder) -> nn.Module:
    """The model that ``config`` describes, with adapters if it wants them, on the CPU."""
    from codex_train.models.build import build
    from codex_train.models.lora import add_lora

    seed = config.run.seed
    model = build(
        config.model,
        vocabulary=encoder.size,
        context=config.data.context,
        seed=seed,
        base=base,
        end=encoder.end,
        offline_only=config.run.offline,
    )
    return add_lora(model, config.lora, seed) if config.lora.rank else model
