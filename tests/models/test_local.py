from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from codex_evidence.errors import CodexError, UsageError
from codex_train.config.nouns import ModelConfig
from codex_train.models.build import build
from codex_train.models.lora import add_lora
from codex_train.models.save import write_model
from tests.models.tiny import bits, loaded, made, same


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(made(), tmp_path / "model")
    return tmp_path / "model"


def refusal(folder: Path, **settings: object) -> str:
    with pytest.raises(CodexError) as caught:
        loaded(folder, **settings)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_loaded_relative_to_the_base(folder: Path) -> None:
    config = ModelConfig(path="model")
    model = build(config, vocabulary=256, context=32, seed=0, base=folder.parent)
    assert same(bits(model), bits(made()))
    assert model.training
    assert model.config.use_cache is False


def test_sharded_weights_are_loaded(folder: Path) -> None:
    model = made()
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert (folder / "model.safetensors.index.json").is_file()
    assert same(bits(loaded(folder)), bits(model))
    next(iter(sorted(folder.glob("model-*.safetensors")))).unlink()
    assert "model-00001" in refusal(folder)


def test_what_is_not_there_is_said_with_the_place_and_the_way_to_put_it_there(folder: Path) -> None:
    message = refusal(folder.parent / "nowhere")
    assert str(folder.parent / "nowhere") in message
    assert "hf download" in message
    (folder / "model.safetensors").unlink()
    assert "neither model.safetensors nor" in refusal(folder)
    (folder / "config.json").unlink()
    assert "has no config.json" in refusal(folder)
    assert "is a file" in refusal(Path(__file__))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth", "last.ckpt"])
def test_a_pickle_is_refused_by_name_and_never_opened(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / "kept.txt")
    os.mkfifo(folder / "trap")  # a reader would hang
    (folder / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    message = refusal(folder)
    assert name in message
    assert "save_pretrained" in message


def test_an_adapter_is_no_model(tmp_path: Path) -> None:
    from codex_train.config.nouns import LoraConfig

    write_model(add_lora(made(), LoraConfig(rank=2), 0), tmp_path / "adapter")
    assert "adapter" in refusal(tmp_path / "adapter")


def test_weights_that_are_missing_are_never_made_up(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert "model.layers.1.mlp.up_proj.weight" in refusal(folder)


def test_damaged_files_are_one_line(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:1000])
    assert str(folder) in refusal(folder)
    (folder / "config.json").write_text("{")
    assert "config.json" in refusal(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "no_such_model"}))
    assert "config.json" in refusal(folder)


def test_a_model_that_is_too_small_for_the_tokenizer_or_the_data_is_refused(folder: Path) -> None:
    config = ModelConfig(path=str(folder))
    with pytest.raises(UsageError, match="300 tokens and the model only 256"):
        build(config, vocabulary=300, context=32, seed=0)
    with pytest.raises(UsageError, match=r"data\.context=64"):
        build(config, vocabulary=256, context=64, seed=0)


def test_options_change_what_is_loaded_and_a_wrong_one_is_named(folder: Path) -> None:
    assert loaded(folder, options={"attention_dropout": 0.5}).config.attention_dropout == 0.5
    assert "attention_dropout" in refusal(folder, options={"attention_dropuot": 0.5})
    assert "do not fit llama" in refusal(folder, options={"num_hidden_layers": "two"})


def test_code_in_a_folder_is_never_run(folder: Path, tmp_path: Path) -> None:
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.C"}}
    (folder / "config.json").write_text(json.dumps(config))
    refusal(folder)
    assert not (tmp_path / "ran").exists()


def test_nothing_is_looked_for_on_the_network(folder: Path) -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('a connection was tried')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from codex_train.config.nouns import ModelConfig, LoraConfig\n"
        "from codex_train.models.build import build\n"
        "from codex_train.models.lora import add_lora\n"
        "from codex_train.models.save import layout_tensors\n"
        "m = build(ModelConfig(path=sys.argv[1]), vocabulary=256, context=32, seed=0)\n"
        "print(len(layout_tensors(add_lora(m, LoraConfig(rank=2), 0))))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 0


def test_building_leaves_the_environment_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    loaded(folder)
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert "TRANSFORMERS_OFFLINE" not in os.environ


def test_a_run_without_adapters_never_imports_peft(folder: Path) -> None:
    program = (
        "import sys\n"
        "from codex_train.config.nouns import ModelConfig\n"
        "from codex_train.models.build import build\n"
        "from codex_train.models.lora import add_lora\n"
        "from codex_train.models.save import layout_tensors, weights_file\n"
        "m = build(ModelConfig(path=sys.argv[1]), vocabulary=256, context=32, seed=0)\n"
        "layout_tensors(m); weights_file(m)\n"
        "assert 'peft' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_loading_draws_nothing(folder: Path) -> None:
    before = torch.get_rng_state()
    loaded(folder)
    assert torch.equal(torch.get_rng_state(), before)
