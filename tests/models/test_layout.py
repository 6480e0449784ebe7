from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, MixtralConfig, MixtralForCausalLM

from codex_evidence.errors import UsageError
from codex_train.models.save import (
    LayoutError,
    layout_tensors,
    load_layout,
    save_layout,
    weights_file,
    write_model,
)
from tests.models.tiny import LLAMA, bits, loaded, made, same, stirred


def names_in(path: Path) -> list[str]:
    with safe_open(path, "pt") as file:
        return sorted(file.keys())


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen2"])
@pytest.mark.parametrize("tied", [False, True])
def test_from_pretrained_gives_back_every_bit(architecture: str, tied: bool, tmp_path: Path) -> None:
    model = made(architecture, tie_word_embeddings=tied)
    stirred(model)
    write_model(model, tmp_path / "own")
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "own", local_files_only=True)
    assert same(bits(model), bits(back))
    ids = torch.arange(16)[None]
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, back(ids).logits)
    model.save_pretrained(tmp_path / "theirs")
    assert list(layout_tensors(model)) == names_in(tmp_path / "theirs" / "model.safetensors")
    assert ("lm_head.weight" in layout_tensors(model)) is not tied


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_weights_stay_narrow(dtype: str, tmp_path: Path) -> None:
    model = made().to(getattr(torch, dtype))
    write_model(model, tmp_path / "m")
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "m", local_files_only=True)
    assert same(bits(model), bits(back))


def test_weights_that_the_library_would_rename_come_back_as_well(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MixtralForCausalLM(MixtralConfig(vocab_size=256, num_local_experts=2, **LLAMA))
    write_model(model, tmp_path / "m")
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "m", local_files_only=True)
    assert same(bits(model), bits(back))


def test_the_tensors_are_the_live_ones() -> None:
    model = made()
    live = layout_tensors(model)
    addresses = {tensor.data_ptr() for tensor in model.parameters()}
    assert all(tensor.data_ptr() in addresses for tensor in live.values())
    stirred(model)
    assert torch.equal(live["model.norm.weight"], model.model.norm.weight)


def test_a_tied_model_can_be_loaded_from_its_layout_and_stays_tied() -> None:
    model, other = made(tie_word_embeddings=True), made(tie_word_embeddings=True, seed=8)
    stirred(model)
    load_layout(other, bits(model))
    assert same(bits(model), bits(other))
    assert other.lm_head.weight is other.model.embed_tokens.weight


def test_the_small_files_hold_no_weights_and_say_that_a_cache_is_fine(tmp_path: Path) -> None:
    model = made()
    save_layout(model, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "generation_config.json"]
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["use_cache"] is True
    assert config["dtype"] == "float32"
    assert str(tmp_path) not in (tmp_path / "config.json").read_text()
    assert model.config.use_cache is False


def test_a_loaded_model_writes_no_path_of_this_machine(tmp_path: Path) -> None:
    write_model(made(), tmp_path / "a")
    (tmp_path / "b").mkdir()
    save_layout(loaded(tmp_path / "a"), tmp_path / "b")
    assert all(str(tmp_path) not in path.read_text() for path in (tmp_path / "b").iterdir())


def test_the_same_model_writes_the_same_small_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_layout(made(), tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_tensors_of_another_model_are_refused_and_nothing_is_changed() -> None:
    model, before = made(), bits(made())
    lacking = {name: tensor for name, tensor in before.items() if name != "model.norm.weight"}
    for tensors, word in (
        (lacking, "lacks model.norm.weight"),
        (before | {"extra.weight": torch.zeros(1)}, "extra.weight"),
        (before | {"model.norm.weight": torch.zeros(31)}, "model.norm.weight is float32 [31]"),
        (before | {"model.norm.weight": torch.zeros(32, dtype=torch.float64)}, "float64"),
        (bits(made("gpt2")), "lacks"),
    ):
        with pytest.raises(LayoutError) as caught:
            load_layout(model, {name: tensor + 1 for name, tensor in tensors.items()})
        assert word in str(caught.value)
        assert "another model" in str(caught.value)
    assert same(bits(model), before)


def test_a_module_without_a_layout_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="Linear"):
        save_layout(torch.nn.Linear(2, 2), tmp_path)


def test_an_export_never_mixes_with_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write_model(made(), tmp_path)
    assert (tmp_path / "model.safetensors").read_text() == "mine"


def test_the_file_of_whole_weights() -> None:
    assert weights_file(made()) == "model.safetensors"
