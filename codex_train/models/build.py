"""A causal language model ready to be trained: made from scratch or loaded from a local folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.names import shown
from codex_train.config.nouns import ModelConfig
from codex_train.models.architecture import (
    check_fits,
    check_options,
    model_class,
    scratch_config,
    set_rope_base,
    typed_options,
)
from codex_train.models.local import check_gguf, check_model_folder, model_folder, no_progress_bar, offline
from codex_train.models.nearest import nearest, one_line
from codex_train.models.streams import own_stream

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_MOST_NAMED = 3


def build(
    config: ModelConfig,
    *,
    vocabulary: int,
    context: int,
    seed: int,
    base: Path | None = None,
    end: int | None = None,
    offline_only: bool = True,
) -> PreTrainedModel:
    """The model that ``config`` describes, on the CPU, in training mode, without a cache of keys and values.

    ``vocabulary`` tokens and ``context`` positions have to fit. New weights have the bits that
    ``torch.manual_seed(seed)`` and the constructor give; the global generators stay as they are. ``end`` is the id of
    the end token (of new models); ``base`` is the folder that ``config.path`` is relative to.
    Raises UsageError for what cannot be built or found, UnreadableError for damaged files.
    """
    with own_stream(seed), offline(offline_only), no_progress_bar():
        if config.path:
            model = load(config, base or Path())
        elif config.gguf:
            raise UsageError(
                "model.gguf names a file in model.path, which is empty; set model.path to its folder"
            )
        else:
            model = _from_scratch(config, vocabulary, context, end)
    check_fits(model.config, vocabulary=vocabulary, context=context)
    return _ready(model, config)


def load(config: ModelConfig, base: Path) -> PreTrainedModel:
    """The model in the folder ``config.path``, as it is there except for ``config.options``. Raises as ``build``."""
    folder = model_folder(config.path, base)
    if config.gguf:
        from codex_train.models.gguf import load_gguf  # brings a package of its own

        if config.options:
            raise UsageError("model.options cannot change a model that is read from GGUF; leave them out")
        return load_gguf(check_gguf(folder, config.gguf), dtype=_dtype(config), attention=config.attention)
    check_model_folder(folder)
    return _from_folder(folder, config)


def _from_scratch(config: ModelConfig, vocabulary: int, context: int, end: int | None) -> PreTrainedModel:
    settings = scratch_config(
        config.architecture, dict(config.options), vocabulary=vocabulary, context=context, end=end
    )
    check_fits(settings, vocabulary=vocabulary, context=context)
    kind = model_class(config.architecture)
    dtype = _dtype(config)
    try:
        made: Any = kind  # the automatic classes call this too; they only look the class up first
        model: PreTrainedModel = made._from_config(
            settings, dtype=dtype, attn_implementation=config.attention
        )
    except Exception as error:  # attention, sizes and options fail in the words of each architecture
        raise UsageError(f"model {config.architecture} cannot be built: {one_line(error)}") from error
    return model


def _from_folder(folder: Path, config: ModelConfig) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModelForCausalLM

    dtype = _dtype(config)
    try:
        settings = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a foreign file fails in many ways
        raise UnreadableError(f"{shown(folder)}: config.json cannot be used: {one_line(error)}") from error
    options = dict(config.options)
    check_options(type(settings), options)
    try:
        for name, value in typed_options(type(settings), options).items():
            setattr(settings, name, value)
    except Exception as error:  # each architecture validates in its own way
        raise UsageError(f"model.options do not fit {settings.model_type}: {one_line(error)}") from error
    set_rope_base(settings, options)
    try:
        made: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=settings,
            dtype=dtype,
            attn_implementation=config.attention,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except Exception as error:  # as above, and damaged weights
        raise UnreadableError(f"the model in {shown(folder)} cannot be loaded: {one_line(error)}") from error
    model, report = made
    _check_complete(folder, report)
    assert isinstance(model, PreTrainedModel)  # noqa: S101 - the automatic class has no type of its own
    return model


def _check_complete(folder: Path, report: dict[str, object]) -> None:
    """Raises UsageError for weights that the file lacks: the library would make them up."""
    for what, key in (("lacks", "missing_keys"), ("has another shape for", "mismatched_keys")):
        found = report.get(key)
        names = sorted(map(str, found)) if isinstance(found, set | list | tuple) else []
        if names:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            raise UsageError(
                f"the model in {shown(folder)} {what} {', '.join(names[:_MOST_NAMED])}{more}; its weights and its "
                "config.json do not belong together"
            )


def _ready(model: PreTrainedModel, config: ModelConfig) -> PreTrainedModel:
    model.config.use_cache = False  # training reads no past keys; `save` writes the setting as it was meant
    if config.checkpointing:
        try:
            trained: Any = model
            # The second is its name before the fifth generation of transformers.
            enable = getattr(trained, "activation_checkpointing_enable", None)
            (enable or trained.gradient_checkpointing_enable)({"use_reentrant": False})
        except ValueError as error:
            raise UsageError(f"model.checkpointing: {one_line(error)}") from error
    model.train()
    return model


def _dtype(config: ModelConfig) -> torch.dtype:
    if config.dtype not in _DTYPES:
        hint = nearest(config.dtype, _DTYPES)
        raise UsageError(f"model.dtype={config.dtype!a} is none of {', '.join(_DTYPES)}{hint}")
    return _DTYPES[config.dtype]
