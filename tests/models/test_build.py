from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from codex_evidence.errors import UsageError
from codex_train.config.nouns import ModelConfig
from codex_train.models.build import build
from codex_train.models.save import write_model
from codex_train.models.streams import own_stream
from tests.models.tiny import GPT2, LLAMA, bits, loaded, made, same


def build_of(**fields: Any) -> Any:
    return build(ModelConfig(**fields), vocabulary=256, context=32, seed=7)


def test_a_new_model_has_the_bits_that_the_constructor_gives_after_seeding() -> None:
    torch.manual_seed(7)
    by_hand = LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=32, **LLAMA))
    assert same(bits(made("llama", seed=7)), bits(by_hand))
    torch.manual_seed(7)
    other = GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=32, **GPT2))
    assert same(bits(made("gpt2", seed=7)), bits(other))


def test_another_seed_gives_other_weights() -> None:
    assert not same(bits(made(seed=7)), bits(made(seed=8)))


def test_building_leaves_every_global_stream_where_it_was() -> None:
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)  # the global stream is what is asked about
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    made()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # type: ignore[index]


def test_a_failed_build_leaves_the_stream_where_it_was_too() -> None:
    before = torch.get_rng_state()
    with pytest.raises(UsageError):
        build_of(options=LLAMA, attention="telepathy")
    assert torch.equal(torch.get_rng_state(), before)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**63 - 1), draws=st.integers(0, 5))
def test_an_own_stream_is_that_of_manual_seed_and_nobody_else_notices(seed: int, draws: int) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with own_stream(seed):
        inside = torch.rand(draws)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(seed)
    assert torch.equal(torch.rand(draws), inside)


def test_the_model_trains_and_keeps_no_cache() -> None:
    model = made("gpt2", resid_pdrop=0.5)
    assert model.training
    assert model.config.use_cache is False
    assert model.config.eos_token_id == 0
    output = model(input_ids=torch.arange(8)[None])
    assert output.past_key_values is None


def test_vocabulary_and_positions_are_filled_in_unless_an_option_says_more() -> None:
    assert made(context=32).config.max_position_embeddings == 32
    assert made("gpt2", context=32).config.n_positions == 32
    assert made(vocab_size=320, max_position_embeddings=64).config.vocab_size == 320
    assert made("gpt2", n_positions=64).config.n_positions == 64


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"architecture": "lama"}, ["'lama'", "nearest", "llama"]),
        ({"architecture": ""}, ["llama", "gpt2"]),
        ({"architecture": "bert-nonsense-xyzzy"}, ["no causal language model"]),
        ({"options": {"hidden_sise": 32}}, ["model.options.hidden_sise", "nearest", "hidden_size"]),
        ({"architecture": "gpt2", "options": {"n_layers": 2}}, ["n_layers", "n_layer"]),
        ({"options": LLAMA | {"hidden_size": "wide"}}, ["do not fit llama", "hidden_size"]),
        ({"options": LLAMA | {"num_attention_heads": 5}}, ["llama", "multiple"]),
        ({"options": LLAMA | {"vocab_size": 100}}, ["256 tokens", "only 100"]),
        ({"options": LLAMA | {"max_position_embeddings": 16}}, ["data.context=32", "16 positions"]),
        ({"options": LLAMA, "dtype": "float23"}, ["model.dtype", "float32"]),
        ({"options": LLAMA, "attention": "telepathy"}, ["telepathy"]),
        ({"gguf": "a.gguf"}, ["model.gguf", "model.path"]),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line_with_a_way_out(
    fields: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        build_of(**fields)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_types_of_weights_and_attention_are_as_asked() -> None:
    model = build_of(options=LLAMA, dtype="bfloat16", attention="eager")
    assert {tensor.dtype for tensor in model.parameters()} == {torch.bfloat16}
    assert model.config._attn_implementation == "eager"


def test_recomputing_activations_changes_no_gradient() -> None:
    ids = torch.arange(24).reshape(1, -1)
    grads = []
    for checkpointing in (False, True):
        model = build_of(options=LLAMA, checkpointing=checkpointing)
        assert model.model.layers[0].gradient_checkpointing is checkpointing
        model(input_ids=ids).logits.square().sum().backward()
        grads.append({name: weight.grad for name, weight in model.named_parameters()})
    assert same(*grads)


WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"rms_norm_eps": 1, "attention_dropout": 0, "initializer_range": 1}),
    ("qwen2", {"rms_norm_eps": 1, "attention_dropout": 0, "initializer_range": 1}),
    (
        "gpt2",
        {"layer_norm_epsilon": 1, "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0, "initializer_range": 1},
    ),
]


@pytest.mark.parametrize(("architecture", "options"), WHOLE)
def test_a_whole_number_is_a_float_where_the_architecture_has_one(
    tmp_path: Path, architecture: str, options: dict[str, Any]
) -> None:
    model = made(architecture, **options)
    write_model(model, tmp_path)
    again = loaded(tmp_path, options=options)
    settings = json.loads((tmp_path / "config.json").read_text())
    for name, value in options.items():
        for found in (settings[name], getattr(again.config, name)):
            assert (found, type(found)) == (value, float), name
    assert type(settings["vocab_size"]) is int


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "cwm"])
def test_the_base_of_rotary_positions_goes_by_either_name(tmp_path: Path, architecture: str) -> None:
    """Some classes let the former name fall without a word."""
    options = LLAMA | {"head_dim": 8} if architecture == "cwm" else LLAMA
    model = build_of(architecture=architecture, options=options | {"rope_theta": 20000, "bos_token_id": 0})
    write_model(model, tmp_path)
    base = json.loads((tmp_path / "config.json").read_text())["rope_parameters"]["rope_theta"]
    assert (base, type(base)) == (20000.0, float)
    if architecture != "cwm":
        other = made(architecture, rope_parameters={"rope_type": "default", "rope_theta": 20000})
        assert torch.equal(model.model.rotary_emb.inv_freq, other.model.rotary_emb.inv_freq)
        assert not torch.equal(model.model.rotary_emb.inv_freq, made(architecture).model.rotary_emb.inv_freq)
        assert type(other.config.rope_parameters["rope_theta"]) is float
        assert loaded(tmp_path, options={"rope_theta": 500}).config.rope_parameters["rope_theta"] == 500.0


def test_a_base_for_each_kind_of_layer_is_not_one_number() -> None:
    with pytest.raises(
        UsageError, match=r"rope_theta: gemma3_text has not one base.*model\.options\.rope_parameters"
    ):
        build_of(architecture="gemma3_text", options=LLAMA | {"rope_theta": 20000})


def test_heads_that_cannot_share_keys_and_values_are_named_before_the_first_step() -> None:
    options = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    for architecture, shared in (("mistral", 8), ("qwen2", 32)):
        config = ModelConfig(architecture=architecture, options=options)
        with pytest.raises(
            UsageError, match=f"num_key_value_heads={shared} does not divide num_attention_heads=2"
        ):
            build(config, vocabulary=256, context=16, seed=0)
        build(
            replace(config, options=options | {"num_key_value_heads": 1}), vocabulary=256, context=16, seed=0
        )
