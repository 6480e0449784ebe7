"""Low-rank adapters (LoRA, arXiv:2106.09685; DoRA, arXiv:2402.09353) through peft, in peft's own layout."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from codex_evidence.errors import CodexError, UnreadableError, UsageError
from codex_evidence.names import shown
from codex_train.config.nouns import LoraConfig
from codex_train.models.local import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from codex_train.models.nearest import nearest, one_line
from codex_train.models.streams import own_stream

if TYPE_CHECKING:
    import peft  # a second to import, and most runs have no adapters


_IDS = 8
_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-6}
_ROUGH = 0.05
"""Of 16-bit weights: a sum of two that were rounded apart is rounded once more."""


class MergeError(CodexError):
    """Adapters that cannot be added into the weights of their model."""

    exit_code = 1


def add_lora(model: PreTrainedModel, config: LoraConfig, seed: int) -> peft.PeftModel:
    """``model`` with new adapters, which alone are trained; its own weights are frozen and not copied.

    The adapters' first values depend on ``seed`` alone; the global generators stay as they are. Raises UsageError.
    """
    import peft

    if config.rank < 1:
        raise UsageError(f"lora.rank={config.rank} makes no adapter; give 1 or more")
    modules = dict(model.named_modules())
    _check_targets(modules, config.targets)
    alpha: Any = config.alpha  # peft only divides it by the rank, so a fraction is fine
    wanted = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=alpha,
        lora_dropout=config.dropout,
        target_modules=list(config.targets) or None,
        use_dora=config.dora,
        fan_in_fan_out=_transposed(modules, config.targets),
    )
    try:
        with own_stream(seed), _quiet():
            made: Any = peft.get_peft_model(model, wanted)
    except ValueError as error:
        raise UsageError(f"lora: {one_line(error)}; set lora.targets to names of modules") from error
    assert isinstance(made, peft.PeftModel)  # noqa: S101 - a mixed model only comes with mixed=True
    return made


def load_adapter(model: PreTrainedModel, folder: Path, *, trainable: bool = False) -> peft.PeftModel:
    """``model`` with the adapter that peft's files in ``folder`` hold. Raises UsageError for files that are not there,
    UnreadableError for an adapter that does not fit."""
    import peft

    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise UsageError(f"{shown(folder)} has no {name}, so it holds no adapter that can be loaded")
    try:
        with _quiet():
            return peft.PeftModel.from_pretrained(
                model, str(folder), is_trainable=trainable, local_files_only=True
            )
    except Exception as error:  # a foreign adapter fails in many ways
        raise UnreadableError(
            f"the adapter in {shown(folder)} cannot be loaded: {one_line(error)}"
        ) from error


def merge(model: nn.Module) -> PreTrainedModel:
    """The base model of ``model``, which has adapters, with these added into its weights, without peft; ``model`` must
    not be used afterwards. A weight that is tied and adapted on one side alone is tied no more.

    Raises UsageError when a sum is not finite, MergeError when the result does not say what model and adapters said.
    """
    tuner: Any = model.base_model
    settings = tuner.model.config.get_text_config()
    positions = getattr(settings, "max_position_embeddings", _IDS)
    ids = torch.arange(min(_IDS, settings.vocab_size, positions))[None]
    wanted = _logits(model, ids)
    _untie(tuner.model)
    try:
        with _quiet():
            merged = tuner.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise UsageError(f"the adapters cannot be merged: {one_line(error)}") from error
    assert isinstance(merged, PreTrainedModel)  # noqa: S101 - peft gives back what it was given
    found = _logits(merged, ids)
    apart, most = float((found - wanted).abs().max()), float(wanted.abs().max())
    if not apart <= _ROUNDING.get(merged.dtype, _ROUGH) * most:
        raise MergeError(
            f"merged, the model says something else than with its adapters (logits differ by {apart:.3g} of "
            f"{most:.3g}); nothing was written, so use the adapters as they are"
        )
    return merged


def _untie(base: PreTrainedModel) -> None:
    """Gives each adapted layer of ``base`` a weight of its own, to which an adapter can be added."""
    adapted: list[Any] = [module.base_layer for module in base.modules() if hasattr(module, "base_layer")]
    for layer in adapted:
        sharing = [one for _, one in base.named_parameters(remove_duplicate=False) if one is layer.weight]
        if len(sharing) > 1:
            layer.weight = nn.Parameter(layer.weight.detach().clone(), requires_grad=False)
            base.config.tie_word_embeddings = False
            base.config.get_text_config().tie_word_embeddings = False


def _logits(model: nn.Module, ids: Tensor) -> Tensor:
    """What ``model`` says of ``ids`` [1, n], as float32 [1, n, vocabulary]."""
    with torch.no_grad():
        said: Tensor = model.eval()(input_ids=ids.to(next(model.parameters()).device)).logits
    return said.float()


@contextmanager
def _quiet() -> Iterator[None]:
    """While inside, a setting may be asked for by its former name: peft 0.21 asks transformers 5.23 so, about which
    nobody who trains can do anything. Nor does peft tell that it cannot merge what is tied: ``merge`` unties it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", r"(?s).*tie_word_embeddings", UserWarning)
        yield


def _check_targets(modules: dict[str, nn.Module], targets: list[str]) -> None:
    last = {name.rpartition(".")[2] for name in modules if name}
    for target in targets:
        if target not in last and not any(name == target or name.endswith(f".{target}") for name in modules):
            hint = (
                nearest(target, last) or f"; it has {', '.join(sorted(n for n in last if not n.isdigit()))}"
            )
            raise UsageError(f"lora.targets: no module of the model is called {target!a}{hint}")


def _transposed(modules: dict[str, nn.Module], targets: list[str]) -> bool:
    """Whether the adapted layers keep their weights as [in, out], as GPT-2's do: peft has to be told."""
    adapted = (
        module for name, module in modules.items() if not targets or name.rpartition(".")[2] in targets
    )
    return any(isinstance(module, Conv1D) for module in adapted)
