from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open

from codex_evidence.errors import UnreadableError, UsageError
from codex_train.config.nouns import LoraConfig, ModelConfig
from codex_train.models.build import build
from codex_train.models.lora import add_lora, load_adapter, merge
from codex_train.models.save import LayoutError, layout_tensors, load_layout, weights_file, write_model
from tests.models.tiny import LLAMA, bits, loaded, made, same, stirred

IDS = torch.arange(16)[None]


def adapted(architecture: str = "llama", *, seed: int = 3, **fields: Any) -> Any:
    return add_lora(made(architecture), LoraConfig(rank=4, **fields), seed)


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen2"])
def test_peft_loads_the_adapter_to_the_bit(architecture: str, dora: bool, tmp_path: Path) -> None:
    model = adapted(architecture, dora=dora)
    stirred(model)
    write_model(model, tmp_path / "own")
    back = PeftModel.from_pretrained(made(architecture), str(tmp_path / "own"), local_files_only=True)
    assert same(bits(model), bits(back))
    with torch.no_grad():
        assert torch.equal(model.eval()(input_ids=IDS).logits, back.eval()(input_ids=IDS).logits)
    model.save_pretrained(str(tmp_path / "theirs"))
    for folder in ("own", "theirs"):
        with safe_open(tmp_path / folder / "adapter_model.safetensors", "pt") as file:
            assert sorted(file.keys()) == list(layout_tensors(model))
    own, theirs = (
        json.loads((tmp_path / name / "adapter_config.json").read_text()) for name in ("own", "theirs")
    )
    assert own == theirs
    assert any("lora_magnitude_vector" in name for name in layout_tensors(model)) is dora


@pytest.mark.parametrize("checkpointing", [False, True])
def test_adapters_are_made_and_loaded_without_a_warning(checkpointing: bool, tmp_path: Path) -> None:
    """Of a library to another, about which the user can do nothing."""
    config = ModelConfig(architecture="llama", options=LLAMA, checkpointing=checkpointing)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        fresh, other = (build(config, vocabulary=256, context=32, seed=7) for _ in range(2))
        model = add_lora(fresh, LoraConfig(rank=4), 3)
        write_model(model, tmp_path / "a")
        again = load_adapter(other, tmp_path / "a", trainable=True)
        for each in (model, again):
            each(input_ids=IDS).logits.square().sum().backward()
    first, second = (
        {name: one.grad for name, one in each.named_parameters() if one.grad is not None}
        for each in (model, again)
    )
    assert len(first) == len(bits(model))
    assert same(first, second)


def test_only_adapters_are_trained_and_only_they_are_in_the_layout() -> None:
    model = adapted()
    assert weights_file(model) == "adapter_model.safetensors"
    trained = {tensor.data_ptr() for tensor in model.parameters() if tensor.requires_grad}
    assert {tensor.data_ptr() for tensor in layout_tensors(model).values()} == trained


def test_adapters_begin_with_the_bits_of_their_seed_and_disturb_no_stream() -> None:
    before = torch.get_rng_state()
    first, second, other = adapted(seed=3), adapted(seed=3), adapted(seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(bits(first), bits(second))
    assert not same(bits(first), bits(other))


@pytest.mark.parametrize("dora", [False, True])
def test_a_fresh_adapter_is_loaded_from_a_layout_in_place(dora: bool) -> None:
    model, other = adapted(dora=dora), adapted(dora=dora, seed=4)
    stirred(model)
    load_layout(other, bits(model))
    assert same(bits(model), bits(other))
    with pytest.raises(LayoutError, match="another model"):
        load_layout(made(), bits(model))


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_merged_model_predicts_the_same_and_saves_as_a_plain_one(architecture: str, tmp_path: Path) -> None:
    model = adapted(architecture)
    stirred(model)
    with torch.no_grad():
        wanted = model.eval()(input_ids=IDS).logits
    merged = merge(model)
    write_model(merged, tmp_path / "m")
    assert (tmp_path / "m" / "model.safetensors").is_file()
    back = loaded(tmp_path / "m").eval()
    with torch.no_grad():
        torch.testing.assert_close(back(input_ids=IDS).logits, wanted, rtol=1e-4, atol=1e-5)
    assert same(bits(merged), bits(back))


def test_an_adapter_folder_is_loaded_and_a_foreign_one_refused(tmp_path: Path) -> None:
    model = adapted()
    stirred(model)
    write_model(model, tmp_path / "a")
    assert same(bits(load_adapter(made(), tmp_path / "a")), bits(model))
    with pytest.raises(UsageError, match=r"adapter_config\.json"):
        load_adapter(made(), tmp_path)
    with pytest.raises(UnreadableError, match="cannot be loaded"):
        load_adapter(made("gpt2"), tmp_path / "a")


def test_a_wrong_target_is_named_with_the_nearest_module() -> None:
    with pytest.raises(UsageError, match=r"'q_pro'.*q_proj"):
        adapted(targets=["q_pro"])
    with pytest.raises(UsageError, match=r"lora\.rank=0"):
        add_lora(made(), LoraConfig(), 0)


def test_chosen_targets_alone_get_adapters() -> None:
    names = list(layout_tensors(adapted(targets=["down_proj"])))
    assert names
    assert all("down_proj" in name for name in names)
