"""The Hugging Face layout: which tensor has which name in a checkpoint, and the small files that stand beside it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from codex_evidence.errors import CodexError, UsageError
from codex_evidence.names import shown
from codex_train.models.local import ADAPTER_WEIGHTS, WEIGHTS

_ADAPTER = "default"
_MOST_NAMED = 3


class LayoutError(CodexError):
    """Tensors that do not belong to the model they are to be loaded into."""

    exit_code = 2


def layout_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The tensors that a checkpoint of ``model`` holds, by the names that ``from_pretrained`` expects: all weights with
    tied ones once, of a peft model the adapters alone. They are the live ones, not copies.

    ``model`` is the bare model: unwrap DistributedDataParallel and torch.compile first.
    """
    if _is_adapted(model):
        from peft import get_peft_model_state_dict

        # Not "auto", which asks the hub whether the vocabulary was changed; here it never is.
        found: dict[str, Tensor] = get_peft_model_state_dict(
            model, state_dict=model.state_dict(), adapter_name=_ADAPTER, save_embedding_layers=False
        )
        return dict(sorted(found.items()))
    return dict(sorted(_untied(model).items()))


def weights_file(model: nn.Module) -> str:
    """The name of the file that ``layout_tensors`` go to."""
    return ADAPTER_WEIGHTS if _is_adapted(model) else WEIGHTS


def save_layout(model: nn.Module, folder: Path) -> None:
    """Writes the small files beside the weights into ``folder``: config.json and generation_config.json, or
    adapter_config.json. Raises OSError."""
    if _is_adapted(model):
        _save_adapter_config(model, folder)
        return
    bare = _pretrained(model)
    settings = copy.deepcopy(bare.config)
    settings.architectures = [type(bare).__name__.removeprefix("FSDP")]
    settings.dtype = bare.dtype
    settings.use_cache = True  # off only while training; whoever loads the checkpoint generates with it
    settings.save_pretrained(folder)
    if bare.can_generate():
        generation = copy.deepcopy(bare.generation_config)
        if generation is not None:
            generation.use_cache = True
            generation.save_pretrained(folder)


def load_layout(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copies ``tensors``, named as ``layout_tensors`` names them, into the live ones of ``model``, all or none.

    Raises LayoutError unless names, shapes and types are exactly the model's.
    """
    live = layout_tensors(model)
    _check_names(live, tensors)
    for name, tensor in live.items():
        other = tensors[name]
        if tensor.shape != other.shape or tensor.dtype != other.dtype:
            raise LayoutError(
                f"tensor {name} is {_kind(other)} in the checkpoint and {_kind(tensor)} in the model; the checkpoint "
                "is of another model"
            )
    with torch.no_grad():
        for name, tensor in live.items():
            tensor.copy_(tensors[name])


def write_model(model: nn.Module, folder: Path) -> None:
    """Writes a whole model (or adapter) into the empty or new ``folder``: the small files and the weights.

    For exports; a run's checkpoints are written by the room of that name. Raises UsageError for a folder with files.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{shown(folder)} is not empty; give a new folder")
    save_layout(model, folder)
    tensors = {name: tensor.contiguous() for name, tensor in layout_tensors(model).items()}
    save_file(tensors, folder / weights_file(model), metadata={"format": "pt"})


def _untied(model: nn.Module) -> dict[str, Tensor]:
    """The state of ``model`` without the second names of tied tensors and without what it never saves."""
    kept = model.state_dict(keep_vars=True)
    ignored = set(getattr(model, "_keys_to_ignore_on_save", None) or ())
    second = set(getattr(model, "all_tied_weights_keys", None) or ())
    names: dict[int, list[str]] = {}
    for name, tensor in kept.items():
        if name not in ignored:
            names.setdefault(id(tensor), []).append(name)
    # One that is declared as tied gives way; the library keeps the last when all are.
    first = {min(group, key=lambda name: (name in second, name)) for group in names.values()}
    return {name: tensor.detach() for name, tensor in kept.items() if name in first}


def _save_adapter_config(model: nn.Module, folder: Path) -> None:
    adapted: Any = model
    settings = copy.deepcopy(adapted.peft_config[_ADAPTER])
    settings.inference_mode = True  # peft writes it so: a loaded adapter is frozen unless asked otherwise
    if not settings.base_model_name_or_path:
        settings.base_model_name_or_path = None
    settings.save_pretrained(str(folder))


def _check_names(live: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    for what, names in (
        ("lacks", sorted(live.keys() - tensors.keys())),
        ("holds tensors that the model does not have:", sorted(tensors.keys() - live.keys())),
    ):
        if names:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            shown_names = ", ".join(names[:_MOST_NAMED])
            raise LayoutError(f"the checkpoint {what} {shown_names}{more}; it is of another model")


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def _is_adapted(model: nn.Module) -> bool:
    """Whether peft made ``model``; without importing peft, which a run without adapters never needs."""
    peft = sys.modules.get("peft")
    return peft is not None and isinstance(model, peft.PeftModel)


def _pretrained(model: nn.Module) -> PreTrainedModel:
    if not isinstance(model, PreTrainedModel):
        raise LayoutError(
            f"a {type(model).__name__} has no Hugging Face layout; give the bare model of transformers or peft"
        )
    return model
