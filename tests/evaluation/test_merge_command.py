"""``codex-train merge``: one folder that needs neither peft nor the run."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from codex_evidence.digests import file_sha256
from codex_evidence.errors import UsageError
from codex_train.commands import merge as command
from codex_train.config.load import load_config
from codex_train.config.nouns import LoraConfig
from codex_train.engine.run import run_training
from codex_train.evaluation.subject import open_subject
from codex_train.models import lora
from codex_train.models.lora import MergeError, add_lora, merge
from tests.models.tiny import made, stirred

IDS = torch.arange(16)[None]
SIZES = "{hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2}"
SETTINGS = (
    f"model: {{architecture: llama, options: {SIZES}}}\n"
    "data: {files: [corpus.txt], context: 16, cache: cache}\n"
    "run: {steps: 4, batch: 2, device: cpu}\noptimizer: {lr: 0.1}\ncheckpoint: {every: 2}\n"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`adapted`, a run that trained adapters, and `whole`, one that trained all weights."""
    place = tmp_path_factory.mktemp("merge")
    (place / "corpus.txt").write_text("To be, or not to be, that is the question.\n" * 30)
    (place / "run.yaml").write_text(SETTINGS)
    for name, overrides in (("adapted", ["lora.rank=2", "lora.dora=true"]), ("whole", [])):
        loaded = load_config(place / "run.yaml", overrides)
        run_training(loaded.config, loaded.base, place / name)
    return place


def called(*words: object) -> int:
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["merge", *map(str, words)])
    return int(arguments.command(arguments))


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=IDS).logits
    return found


TIED = [
    ("gpt2", "{n_embd: 16, n_layer: 1, n_head: 2}", "[lm_head]"),
    ("gpt2", "{n_embd: 16, n_layer: 1, n_head: 2}", "[wte,c_attn]"),
    ("gpt2", "{n_embd: 16, n_layer: 1, n_head: 2}", "[wte,lm_head]"),
    ("gpt2", "{n_embd: 16, n_layer: 1, n_head: 2}", "[c_attn]"),
    (
        "llama",
        "{hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2, tie_word_embeddings: true}",
        "[embed_tokens,q_proj]",
    ),
]


@pytest.mark.parametrize(("kind", "options", "targets"), TIED)
@pytest.mark.filterwarnings("error:Model with:UserWarning")
def test_what_is_tied_and_adapted_on_one_side_is_tied_no_more(
    base: Path, tmp_path: Path, kind: str, options: str, targets: str
) -> None:
    (tmp_path / "tied.yaml").write_text(SETTINGS.replace("llama", kind).replace(SIZES, options))
    data = f"data.files=[{base / 'corpus.txt'}]"
    loaded = load_config(tmp_path / "tied.yaml", ["lora.rank=2", f"lora.targets={targets}", data])
    run_training(loaded.config, loaded.base, tmp_path / "run")
    assert called(tmp_path / "run", "--to", tmp_path / "merged") == 0
    found, before = (
        AutoModelForCausalLM.from_pretrained(tmp_path / "merged"),
        open_subject(tmp_path / "run").model,
    )
    torch.testing.assert_close(logits(found), logits(before), rtol=1e-4, atol=1e-4)


def test_a_model_of_few_positions_is_merged(base: Path, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(SETTINGS.replace("llama", "gpt2").replace(SIZES, TIED[0][1]))
    data = f"data.files=[{base / 'corpus.txt'}]"
    loaded = load_config(tmp_path / "run.yaml", ["lora.rank=2", "data.context=4", data])
    run_training(loaded.config, loaded.base, tmp_path / "run")
    assert called(tmp_path / "run", "--to", tmp_path / "merged") == 0


def test_a_model_that_says_something_else_once_merged_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = add_lora(made("gpt2"), LoraConfig(rank=2, targets=["lm_head"]), 0)
    stirred(model)
    monkeypatch.setattr(lora, "_untie", lambda base: None)
    with pytest.raises(
        MergeError, match=r"says something else than with its adapters .*; nothing was written"
    ):
        merge(model)


@pytest.mark.parametrize("checkpoint", ["", "checkpoints/step-000002"])
def test_a_merged_model_says_what_model_and_adapters_said(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], checkpoint: str
) -> None:
    folder, source = tmp_path / "merged", base / "adapted" / checkpoint
    assert called(source, "--to", folder, "--format", "json") == 0
    said = json.loads(capsys.readouterr().out)
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert not any("lora" in name for name, _ in loaded.named_parameters())
    torch.testing.assert_close(logits(loaded), logits(open_subject(source).model), rtol=1e-4, atol=1e-5)
    assert AutoTokenizer.from_pretrained(folder)("To be")["input_ids"] == list(b"To be")
    assert said["files"] == {path.name: file_sha256(path)[0] for path in folder.iterdir()}
    assert said["checkpoint"] == str(base / "adapted" / (checkpoint or "checkpoints/step-000004"))


def test_a_run_without_adapters_and_a_folder_in_the_way_are_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds a whole model and no adapters"):
        called(base / "whole", "--to", tmp_path / "merged")
    with pytest.raises(UsageError, match="is there already; give a new folder"):
        called(base / "adapted", "--to", tmp_path)
    with pytest.raises(UsageError, match="is no run and no checkpoint of one; give one with adapters"):
        called(tmp_path, "--to", tmp_path / "merged")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(base: Path, tmp_path: Path) -> None:
    words = f"ulimit -f 4; exec {sys.executable} -m codex_train merge {base / 'adapted'} --to {tmp_path / 'a' / 'b' / 'm'}"
    done = subprocess.run(
        ["bash", "-c", words],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("codex-train: error: cannot write ")
    assert list(tmp_path.iterdir()) == []
