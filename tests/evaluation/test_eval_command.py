"""``codex-train eval``: a model's folder, a checkpoint or a run against data, for people and for programs."""

from __future__ import annotations

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_evidence.errors import CodexError, UsageError
from codex_train.commands import eval as command
from codex_train.models.save import write_model
from tests.evaluation.worlds import llama

TEXT = "To be, or not to be, that is the question.\n" * 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "llama"
    write_model(llama(), made)
    return made


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [{"prompt": f"What is {n} plus {n}? ", "answer": str(2 * n)} for n in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def called(*words: object) -> int:
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_parser(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["eval", *map(str, words)])
    return int(arguments.command(arguments))


def document(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    assert called(*words, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_loss_of_a_models_folder_on_text(
    folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, folder, corpus, "--tokenizer", "bytes", "--bootstrap", 200)
    assert found["context"] == 32, "as long as the model can"
    loss = found["loss"]
    # 516 bytes and their end make 16 samples of 32.
    assert (loss["samples"], loss["targets"]) == (16, 16 * 31)
    assert loss["perplexity"] == pytest.approx(math.exp(loss["loss"]))
    assert loss["bits_per_byte"] == pytest.approx(loss["loss"] / math.log(2), rel=0.01)
    assert found["loss_interval"]["low"] < loss["loss"] < found["loss_interval"]["high"]
    assert found["scores"] == []
    again = document(capsys, folder, corpus, "--tokenizer", "bytes", "--bootstrap", 200)
    assert again == found


def test_fewer_samples_and_a_shorter_context(
    folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, folder, corpus, "--tokenizer", "bytes", "--context", 8, "--max-samples", 3)
    assert (found["loss"]["samples"], found["loss"]["targets"]) == (3, 21)


def test_a_person_reads_lines(folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(folder, corpus, "--tokenizer", "bytes", "--bootstrap", 100) == 0
    out = capsys.readouterr().out
    assert "nats a token (95% " in out
    assert "bits per byte   " in out
    assert "16 samples, 496 targets" in out


def test_generated_answers_are_scored(
    folder: Path, questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--tokenizer", "bytes", "--format", "instructions", "--limit", 4, "--bootstrap", 20)
    found = document(capsys, folder, questions, *words, "--metrics", "loss,exact,f1,bleu,rouge,chrf")
    assert found["answers"] == 4
    assert found["loss"]["samples"] == 4
    names = [one["name"] for one in found["scores"]]
    assert names == ["exact", "f1", "bleu", "rouge1", "rouge2", "rougeL", "chrf"]
    assert all(0 <= one["value"] <= 100 and one["interval"] for one in found["scores"])
    assert document(capsys, folder, questions, *words, "--metrics", "loss,exact,f1,bleu,rouge,chrf") == found


def test_answers_need_instructions(folder: Path, corpus: Path) -> None:
    for words in (("--format", "text"), ()):
        with pytest.raises(
            UsageError, match="the metric bleu compares answers, so it needs --format instructions"
        ):
            called(folder, corpus, "--tokenizer", "bytes", "--metrics", "loss,bleu", *words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--metrics", "los"], "no metric called 'los'; there are loss, exact, f1, bleu, rouge, chrf"),
        (["--metrics", ","], "no metric is asked for"),
        ([], "holds no tokenizer; name one with --tokenizer PATH, or --tokenizer bytes"),
        (["--tokenizer", "bytes", "--context", "64"], "64"),
    ],
)
def test_a_call_that_cannot_work_is_one_line(
    folder: Path, corpus: Path, words: list[str], expected: str
) -> None:
    with pytest.raises(CodexError, match=expected) as caught:
        called(folder, corpus, *words)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_what_is_no_model_and_what_is_no_data_is_said(folder: Path, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist; give a run, a checkpoint or the folder of a model"):
        called(tmp_path / "nowhere", corpus)
    with pytest.raises(UsageError, match="is no folder"):
        called(corpus, corpus)
    with pytest.raises(CodexError, match=r"no file matches .*nothing"):
        called(folder, tmp_path / "nothing*", "--tokenizer", "bytes")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(CodexError):
        called(folder, tmp_path / "empty.txt", "--tokenizer", "bytes")
    (tmp_path / "nul.txt").write_bytes(b"a\0b")
    for data in (tmp_path / "nul.txt", tmp_path / "nothere.txt", "nothere.txt", "nothing*"):
        with pytest.raises(CodexError) as caught:
            called(folder, data, "--tokenizer", "bytes")
        assert "data." not in str(caught.value) and "configuration" not in str(caught.value)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run that trains adapters, which no folder but the run's can put together again."""
    from codex_train.config.load import load_config
    from codex_train.engine.run import run_training

    place = tmp_path_factory.mktemp("runs")
    for part in range(24):
        (place / f"held{part}.txt").write_text(f"{part}. {TEXT}")
    options = "{hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2}"
    (place / "run.yaml").write_text(
        f"name: small\nmodel: {{architecture: llama, options: {options}}}\nlora: {{rank: 2, dropout: 0.1}}\n"
        f"data: {{files: ['held*.txt'], context: 16, validation: 0.3, cache: {place / 'cache'}}}\nrun: {{steps: 3, batch: 2, device: cpu}}\n"
        "optimizer: {lr: 0.1}\ncheckpoint: {every: 1, keep_last: 0}\n"
    )
    loaded = load_config(place / "run.yaml", [])
    run_training(loaded.config, loaded.base, place / "run", show=False)
    return place / "run"


def test_a_run_is_its_latest_checkpoint(
    run_folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, run_folder, corpus)
    last = document(capsys, run_folder / "checkpoints" / "step-000003", corpus)
    first = document(capsys, run_folder / "checkpoints" / "step-000001", corpus)
    assert found["context"] == 16, "the run's"
    assert found == last
    assert found["loss"]["loss"] != first["loss"]["loss"]


def test_a_damaged_checkpoint_is_not_measured(run_folder: Path, corpus: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    weights = copy / "checkpoints" / "step-000003" / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"adapter_model\.safetensors") as caught:
        called(copy, corpus)
    assert caught.value.exit_code == 1


def test_adapters_without_their_run_are_refused(run_folder: Path, corpus: Path, tmp_path: Path) -> None:
    alone = tmp_path / "step-000003"
    shutil.copytree(run_folder / "checkpoints" / "step-000003", alone)
    with pytest.raises(
        UsageError, match="holds adapters, and the run that says what they adapt is not around it"
    ):
        called(alone, corpus)


def test_a_run_without_a_checkpoint_says_so(run_folder: Path, corpus: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy, ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(UsageError, match="has no checkpoint yet"):
        called(copy, corpus)


def test_without_files_it_is_what_the_run_held_out(
    run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = document(capsys, run_folder)["loss"]
    (segment,) = (run_folder / "segments").iterdir()
    last = json.loads((segment / "metrics.ndjson").read_text().splitlines()[-1])
    assert held_out["loss"] == pytest.approx(last["loss"], rel=1e-5), "the run's own last evaluation"


def test_a_run_against_what_it_began_with(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, run_folder, "--against", "start", "--seed", 1)
    apart = found["difference"]
    assert apart["point"] == pytest.approx(found["loss"]["loss"] - found["against"]["loss"], abs=1e-12)
    assert apart["low"] <= apart["point"] <= apart["high"] < 0, "three steps at this rate lower the loss"
    assert called(run_folder, "--against", "start") == 0
    assert ", sure to be one" in capsys.readouterr().out


def test_a_model_against_itself_differs_in_nothing(
    run_folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apart = document(capsys, run_folder, corpus, "--against", run_folder)["difference"]
    assert (apart["point"], apart["low"], apart["high"]) == (0, 0, 0)
    called(run_folder, corpus, "--against", run_folder)
    assert "not sure to be one" in capsys.readouterr().out


def test_what_cannot_be_compared_is_refused(run_folder: Path, folder: Path, corpus: Path) -> None:
    with pytest.raises(UsageError, match="is not of a run, so nothing says how it began"):
        called(folder, corpus, "--tokenizer", "bytes", "--against", "start")
    with pytest.raises(UsageError, match="is not of a run that held something out; name files"):
        called(folder, "--tokenizer", "bytes")
    with pytest.raises(UsageError, match="held out no pairs of prompt and answer; name files of such pairs"):
        called(run_folder, "--metrics", "f1")
