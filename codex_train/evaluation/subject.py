"""What is evaluated: a model with its tokenizer, out of a run, a checkpoint or a model's folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from codex_evidence.checkpoint_manifest import MANIFEST, read_manifest
from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.errors import UsageError
from codex_evidence.names import shown
from codex_evidence.run_documents import INDEX, model_digests
from codex_train.checkpoints.read import load_weights
from codex_train.config.nouns import DataConfig, ModelConfig, TokenizerConfig
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.engine.lineage import resolve
from codex_train.engine.recorded import RecordedRun, recorded_run
from codex_train.engine.setup import make_model
from codex_train.models.build import build
from codex_train.models.local import ADAPTER_CONFIG, offline
from codex_train.models.save import load_layout
from codex_train.models.source import model_document
from codex_train.tokenization.load import load_encoder

BYTES = "bytes"
_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt", "tokenizer.model")
# Of a model that takes more: longer samples cost memory with their square, and few texts are that long.
_MOST_CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Subject:
    """``model`` is on the CPU. ``context`` is in tokens; ``data`` says how the run read its corpus (the defaults for a
    model's folder); ``origin`` is the folder that the weights came from, and ``recorded`` the run around it."""

    model: nn.Module
    encoder: Encoder
    context: int
    data: DataConfig
    origin: Path
    recorded: RecordedRun | None = None


def open_subject(path: Path, *, tokenizer: str = "", context: int = 0) -> Subject:
    """The model that ``path`` names: a run (its latest checkpoint), a checkpoint, which is verified whole, or a folder
    in the Hugging Face layout. ``tokenizer`` is a path or `bytes`; without it, it is the run's or lies in the folder.

    Raises UsageError for what is not there, CheckpointError for a damaged checkpoint, UnreadableError for other files.
    """
    if not path.is_dir():
        what = "is no folder" if path.exists() else "does not exist"
        raise UsageError(f"{shown(path)} {what}; give a run, a checkpoint or the folder of a model")
    if not is_of_run(path):
        return _from_folder(path, tokenizer, context)
    if (path / INDEX).is_file():
        checkpoint = resolve(path)
        if checkpoint is None:
            raise UsageError(
                f"{shown(path)} has no checkpoint yet; resume the run, or give the folder of a model"
            )
        return _from_run(path, checkpoint, tokenizer, context)
    return _from_run(path.absolute().parent.parent, path, tokenizer, context)


def is_of_run(path: Path) -> bool:
    """Whether ``path`` is a run's folder, or a checkpoint in one."""
    checkpoint = (path / MANIFEST).is_file() and (path.absolute().parent.parent / INDEX).is_file()
    return checkpoint or (path / INDEX).is_file()


def _from_run(run: Path, checkpoint: Path, tokenizer: str, context: int) -> Subject:
    recorded = recorded_run(run, read_manifest(checkpoint).segment)
    _check_model(recorded)
    config, base = recorded.config, recorded.base
    # First, so that nothing of a damaged checkpoint is waited for.
    weights = load_weights(checkpoint)
    encoder = _encoder(tokenizer) or load_encoder(config.tokenizer, base)
    model = make_model(config, base, encoder)
    load_layout(model, weights)
    cache = str((base / config.data.cache).absolute()) if config.data.cache else ""
    data = replace(config.data, cache=cache)
    return Subject(model, encoder, context or config.data.context, data, checkpoint, recorded)


def _check_model(recorded: RecordedRun) -> None:
    """Raises UsageError unless what the run's model was made from is what it was."""
    was = recorded.identity.model
    if not was:
        return  # from scratch, or brought by a caller: nothing was read
    now = model_digests(model_document(recorded.config.model, recorded.base))
    changed = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    if changed:
        first, more = changed[0], f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        values = " and is ".join(each.get(first, "")[:12] or "not there" for each in (was, now))
        raise UsageError(
            f"model.path={shown(recorded.config.model.path)} is not the model that the run began with: {shown(first)} "
            f"was {values}{more}; put it back, or go on training with `codex-train resume --accept model`, which "
            "records it"
        )


def as_it_began(subject: Subject) -> Subject:
    """The same with the weights that its run had before the first step: those of the model that adapters adapt, or
    random ones. Raises UsageError for what is not of a run."""
    if subject.recorded is None:
        raise UsageError(
            f"{shown(subject.origin)} is not of a run, so nothing says how it began; name another model"
        )
    recorded = subject.recorded
    return replace(subject, model=make_model(recorded.config, recorded.base, subject.encoder))


def _from_folder(folder: Path, tokenizer: str, context: int) -> Subject:
    if (folder / MANIFEST).is_file():
        verify_checkpoint(folder)
        if (folder / ADAPTER_CONFIG).is_file():
            raise UsageError(
                f"{shown(folder)} holds adapters, and the run that says what they adapt is not around it; put it back "
                "into RUN/checkpoints, or merge the two with `codex-train merge RUN` and give that folder"
            )
    encoder = _encoder(tokenizer)
    if encoder is None:
        if not any((folder / name).is_file() for name in _TOKENIZERS):
            raise UsageError(
                f"{shown(folder)} holds no tokenizer; name one with --tokenizer PATH, or --tokenizer bytes"
            )
        encoder = load_encoder(TokenizerConfig(path=str(folder.absolute())), folder)
    wanted = ModelConfig(path=str(folder.absolute()))
    with offline():
        model = build(wanted, vocabulary=encoder.size, context=context or 1, seed=0)
    longest = getattr(model.config, "max_position_embeddings", None) or _MOST_CONTEXT
    return Subject(model, encoder, context or min(longest, _MOST_CONTEXT), DataConfig(), folder)


def _encoder(tokenizer: str) -> Encoder | None:
    """The tokenizer that the caller named; None for none."""
    if not tokenizer:
        return None
    if tokenizer == BYTES:
        return ByteEncoder()
    return load_encoder(TokenizerConfig(path=tokenizer), Path.cwd())
