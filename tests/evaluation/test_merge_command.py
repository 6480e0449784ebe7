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
from codex_train.engine.run import run_training
from codex_train.evaluation.subject import open_subject

IDS = torch.arange(16)[None]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`adapted`, a run that trained adapters, and `whole`, one that trained all weights."""
    place = tmp_path_factory.mktemp("merge")
    (place / "corpus.txt").write_text("To be, or not to be, that is the question.\n" * 30)
    (place / "run.yaml").write_text(
        "model: {architecture: llama, options: {hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, "
        "num_attention_heads: 2}}\ndata: {files: [corpus.txt], context: 16, cache: cache}\n"
        "run: {steps: 4, batch: 2, device: cpu}\noptimizer: {lr: 0.1}\ncheckpoint: {every: 2}\n"
    )
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
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(base: Path, tmp_path: Path) -> None:
    words = (
        f"ulimit -f 4; exec {sys.executable} -m codex_train merge {base / 'adapted'} --to {tmp_path / 'm'}"
    )
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
