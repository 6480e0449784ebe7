"""From a configuration to the samples of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_train.config.nouns import DataConfig, Format
from codex_train.data.blocks import Blocks
from codex_train.data.encoder import Encoder
from codex_train.data.files import Source, find_sources
from codex_train.data.manifest import data_manifest, notes
from codex_train.data.pack import cache_folder, packed
from codex_train.data.transforms import Noise


@dataclass(frozen=True, slots=True)
class Prepared:
    """``manifest`` is plain data for the run's data.json; ``notes`` are lines for the user, on what was left out;
    ``held_up_to`` is the content hash up to which pairs are held out (-1: none)."""

    train: Blocks
    validation: Blocks | None
    manifest: dict[str, Any]
    notes: tuple[str, ...]
    sources: tuple[Source, ...]
    held_up_to: int = -1


def prepare(
    config: DataConfig, base: Path, encoder: Encoder, seed: int, *, configured: bool = True
) -> Prepared:
    """The samples that ``config`` describes; its files are relative to ``base``. ``seed`` decides the noise, which
    is for training alone. ``configured`` says whether a configuration names the files: only then do errors
    speak of its settings. Raises UsageError, UnreadableError and WriteError, each of one line."""
    sources = find_sources(config.files, base, folders=config.format is Format.dataset, configured=configured)
    noise = Noise(config.noise, encoder.size, seed) if config.noise else None
    opened = packed(sources, config, encoder, cache_folder(config, base), noise, configured=configured)
    manifest = data_manifest(sources, config, encoder, opened.packing)
    told = tuple(notes(sources, opened.packing))
    highest = opened.packing.highest
    return Prepared(
        opened.train, opened.validation, manifest, told, sources, int(highest, 16) if highest else -1
    )
