"""From the name of an architecture and its options to a configuration of transformers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import transformers
from transformers import PreTrainedConfig
from transformers.modeling_rope_utils import RopeParameters
from transformers.models.auto import configuration_auto, modeling_auto

from codex_evidence.errors import UsageError
from codex_train.models.nearest import nearest, one_line

_ROPE, _BASE = "rope_parameters", "rope_theta"


def model_class(architecture: str) -> type[transformers.PreTrainedModel]:
    """The class of a causal language model of the type ``architecture``. Raises UsageError with the nearest names."""
    known = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if architecture not in known or architecture not in _configurations():
        hint = nearest(architecture, known) or f"; {len(known)} are known, such as llama, gpt2, qwen2"
        raise UsageError(
            f"model.architecture={architecture!a} is no causal language model of transformers{hint}"
        )
    # Only this model's module is imported; the automatic classes would look through the tables of all.
    return getattr(transformers, known[architecture])  # type: ignore[no-any-return]


def scratch_config(
    architecture: str, options: dict[str, Any], *, vocabulary: int, context: int, end: int | None
) -> PreTrainedConfig:
    """The configuration of a new model with ``options``; size of the vocabulary, positions and end token are filled in
    unless an option gives them. Raises UsageError for an option that the architecture does not have or cannot take."""
    model_class(architecture)
    kind: type[PreTrainedConfig] = getattr(transformers, _configurations()[architecture])
    check_options(kind, options)
    given = typed_options(kind, options)
    filled: dict[str, Any] = {"vocab_size": vocabulary, "bos_token_id": None, "eos_token_id": end}
    names = option_names(kind)
    if "max_position_embeddings" in names:
        filled["max_position_embeddings"] = context
    defaults = {_real(kind, name): value for name, value in filled.items() if name in names}
    made = _made(kind, architecture, defaults | given)
    set_rope_base(made, options)
    _check_heads(made)
    return made


def _check_heads(config: PreTrainedConfig) -> None:
    """Raises UsageError where heads cannot share keys and values, which transformers finds out at the first step. With
    fewer heads than it has by default an architecture keeps its default of those."""
    heads, shared = (getattr(config, f"num_{name}_heads", None) for name in ("attention", "key_value"))
    if isinstance(heads, int) and isinstance(shared, int) and shared > 0 and heads % shared:
        raise UsageError(
            f"model.options: num_key_value_heads={shared} does not divide num_attention_heads={heads}; give both"
        )


def check_options(kind: type[PreTrainedConfig], options: dict[str, Any]) -> None:
    """Raises UsageError for the first of ``options`` that ``kind`` does not know, with the nearest name."""
    known = option_names(kind)
    for name in options:
        if name not in known:
            hint = nearest(name, known) or f"; see the parameters of {kind.__name__}"
            raise UsageError(f"model.options.{name} is no option of {kind.model_type}{hint}")


def typed_options(kind: type[PreTrainedConfig], options: dict[str, Any]) -> dict[str, Any]:
    """``options`` by the names of ``kind``'s fields, whole numbers as floats where the field's own value is one: some
    classes refuse them, others write them into config.json as they are. Without what ``set_rope_base`` sets."""
    floats = {field.name for field in fields(kind) if _is_float(field.type, field.default)}
    typed: dict[str, Any] = {}
    for name, value in options.items():
        field = _real(kind, name)
        if field == _ROPE:
            typed[field] = _typed_rope(value)
        elif field != _BASE or field in floats:
            typed[field] = _as_float(value) if field in floats else value
    return typed


def set_rope_base(config: PreTrainedConfig, options: dict[str, Any]) -> None:
    """Sets the base of ``config``'s rotary positions where ``options`` has it by its former name, `rope_theta`: it is
    now one of `rope_parameters`, and as an argument some classes let it fall. Raises UsageError."""
    if _BASE not in options or _BASE in {field.name for field in fields(config)}:
        return
    parameters, base = getattr(config, _ROPE, None), _as_float(options[_BASE])
    if not isinstance(base, float):
        raise UsageError(f"model.options.{_BASE}={base!a} is no number")
    if not isinstance(parameters, dict) or _BASE not in parameters:
        raise UsageError(
            f"model.options.{_BASE}: {config.model_type} has not one base but {parameters!a}; set "
            f"model.options.{_ROPE}"
        )
    setattr(config, _ROPE, {**parameters, _BASE: base})


def option_names(kind: type[PreTrainedConfig]) -> frozenset[str]:
    """The names of all settings of ``kind``, also those that stand for another."""
    own = {field.name for field in fields(kind)}
    own |= {_BASE} if _ROPE in own else set()
    return frozenset(name for name in own | set(kind.attribute_map) if not name.startswith("_"))


def check_fits(config: PreTrainedConfig, *, vocabulary: int, context: int) -> None:
    """Raises UsageError when ids or positions of the data are beyond what the model has."""
    size = getattr(config, "vocab_size", None)
    if isinstance(size, int) and size < vocabulary:
        raise UsageError(
            f"the tokenizer has {vocabulary} tokens and the model only {size}; give the tokenizer that belongs to the "
            "model (tokenizer.path)"
        )
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and 0 < positions < context:
        raise UsageError(
            f"data.context={context} is more than the model's {positions} positions; use a smaller one"
        )


def _configurations() -> dict[str, str]:
    names: Any = configuration_auto  # the table is public but not in the module's list of names
    return dict(names.CONFIG_MAPPING_NAMES)


def _real(kind: type[PreTrainedConfig], name: str) -> str:
    return kind.attribute_map.get(name, name)


def _is_float(kind: Any, default: Any) -> bool:
    """Whether a setting is a float: by its own value, or by a type that lets no whole number in (`float | None`)."""
    kinds = {kind, *get_args(kind)}
    return isinstance(default, float) or (float in kinds and int not in kinds)


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _typed_rope(value: Any) -> Any:
    """The parameters of rotary positions, also where there are some for each kind of layer."""
    if not isinstance(value, dict):
        return value
    hints = get_type_hints(RopeParameters)
    return {
        name: _as_float(item) if name in hints and _is_float(hints[name], None) else _typed_rope(item)
        for name, item in value.items()
    }


def _made(kind: type[PreTrainedConfig], architecture: str, settings: dict[str, Any]) -> PreTrainedConfig:
    try:
        return kind(**settings)
    except Exception as error:  # each architecture validates in its own way
        raise UsageError(f"model.options do not fit {architecture}: {one_line(error)}") from error
