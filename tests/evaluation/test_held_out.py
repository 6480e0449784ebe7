"""The pairs that a run holds out: which they are, and what becomes of their answers."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from codex_evidence.errors import UnreadableError, UsageError
from codex_train.config.load import load_config
from codex_train.config.nouns import BadRecords, EvaluationConfig, TokenizerConfig
from codex_train.data.blocks import Blocks
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.data.prepare import prepare
from codex_train.engine.run import Given, run_training
from codex_train.evaluation.answers import METRICS, score
from codex_train.evaluation.held_out import to_judge_by
from codex_train.evaluation.pairs import pairs as pairs_of
from codex_train.models.generate import generate
from codex_train.models.save import LayoutError, write_model
from codex_train.screens.figures import evaluation_text
from codex_train.tokenization.files import write_files
from codex_train.tokenization.load import load_encoder
from codex_train.tokenization.train import Recipe, tokenizer_files, train_tokenizer
from tests.data.corpora import INSTRUCTIONS, pairs, write
from tests.data.corpora import settings as data_settings
from tests.engine.runs import final
from tests.evaluation.test_eval_command import called, document
from tests.evaluation.worlds import llama

CONTEXT = 12
SCORES = ("exact", "f1", "bleu", "rouge1", "rouge2", "rougeL", "chrf")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
CORPORA = st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=12)


def rows(blocks: Blocks) -> list[tuple[bytes, bytes]]:
    """Prompt and answer of each row, as far as there is room for them."""
    assert blocks.starts is not None and blocks.ends is not None
    tokens = blocks.tokens.astype(np.uint8)
    bounds = zip(blocks.starts.tolist(), blocks.ends.tolist(), strict=True)
    return [
        (row[:start].tobytes(), row[start:end].tobytes())
        for row, (start, end) in zip(tokens, bounds, strict=True)
    ]


@settings(deadline=None)
@given(texts=CORPORA, share=st.sampled_from([1e-9, 0.1, 0.5, 0.9, 1 - 1e-9]))
def test_they_are_those_of_the_rows_that_are_held_out(texts: list[tuple[str, str]], share: float) -> None:
    config = data_settings(
        "p.jsonl",
        format=INSTRUCTIONS,
        context=CONTEXT,
        validation=share,
        bad_records=BadRecords.count,
    )
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), p__jsonl=pairs(*texts))
        try:
            data = prepare(config, Path(name), ByteEncoder(), 0)
        except UsageError:  # nothing to learn from, or nothing that differs
            return
        assert data.validation is not None
        found = pairs_of(data, config, ByteEncoder(), held_out=True)
        some = pairs_of(data, config, ByteEncoder(), 1, held_out=True)
    wanted = rows(data.validation)
    assert len(found) == len(wanted)
    for (prompt, answer), (first, rest) in zip(found, wanted, strict=True):
        assert prompt.encode() == first
        assert (answer.encode() + b"\0")[: CONTEXT - len(first)] == rest
    assert some == found[:1]


def test_none_are_looked_for_where_no_score_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, p__jsonl=pairs(*((f"{n}?", str(n)) for n in range(9))))
    config = data_settings("p.jsonl", format=INSTRUCTIONS, validation=0.5)
    data = prepare(config, tmp_path, ByteEncoder(), 0)
    (tmp_path / "p.jsonl").unlink()
    found = to_judge_by(data, config, EvaluationConfig(), ByteEncoder())
    assert found is not None and found.pairs == ()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pairs")
    write(place, p__jsonl=pairs(*((f"{n} and one? ", f"it is {n % 3}") for n in range(40))))
    (place / "run.yaml").write_text(
        "model: {architecture: gpt2, options: {n_embd: 16, n_layer: 1, n_head: 2}}\n"
        "data: {files: [p.jsonl], format: instructions, context: 32, validation: 0.3, cache: cache}\n"
        "run: {steps: 60, batch: 4, device: cpu}\noptimizer: {lr: 0.03}\n"
        "evaluation: {answer_limit: 9, max_answers: 5}\ncheckpoint: {every: 30}\n"
    )
    return place


def trained(base: Path, name: str, *overrides: str, settings: str = "run.yaml") -> list[dict[str, Any]]:
    """The evaluations of a run, without the seconds that they took."""
    loaded = load_config(base / settings, overrides)
    run_training(loaded.config, loaded.base, base / name)
    lines = (base / name / "segments" / "0000" / "metrics.ndjson").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def test_answers_are_scored_as_a_run_goes_on_and_change_none_of_its_bits(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = trained(base, "plain")
    asked = trained(
        base,
        "asked",
        "evaluation.every=20",
        "evaluation.metrics=[exact,f1,bleu,rouge,chrf]",
        "data.noise=0.1",
    )
    again = trained(base, "again", "data.noise=0.1")
    assert [one["step"] for one in asked] == [20, 40, 60]
    assert set(asked[-1]) - set(plain[-1]) == set(SCORES)
    assert asked[-1]["f1"] > 40, "the words that all answers have are learned at once"
    assert final(base / "asked") == final(base / "again") != final(base / "plain")
    assert {key: value for key, value in asked[-1].items() if key not in SCORES} == again[-1]
    assert "f1 " in evaluation_text(asked[-1]) and "rougeL " in evaluation_text(asked[-1])
    found = document(capsys, base / "asked", "--metrics", "loss,exact,f1,bleu,rouge,chrf")
    assert found["answers"] == 5, "as many as the run answers, and as long"
    assert {one["name"]: one["value"] for one in found["scores"]} == {
        name: asked[-1][name] for name in SCORES
    }
    assert found["loss"]["samples"] == asked[-1]["samples"]
    some = document(capsys, base / "asked", "--metrics", "f1,loss", "--max-samples", 3, "--max-answers", 0)
    assert (some["loss"]["samples"], some["answers"]) == (3, asked[-1]["samples"])


def test_every_score_has_a_place_on_the_screen() -> None:
    names = [one.name for one in score(["a"], ["a"], METRICS)]
    assert all(f"{name} 1.0" in evaluation_text({name: 1.0}) for name in names)
    assert names == list(SCORES)


def test_eval_of_a_run_asks_what_it_held_out_without_a_loss_too(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(base, "other")
    held = json.loads((base / "other" / "segments" / "0000" / "data.json").read_text())["validation"]
    found = document(capsys, base / "other", "--metrics", "exact", "--max-answers", 0)
    assert found["loss"] is None
    assert found["answers"] == held["samples"]
    assert called(base / "other", "--metrics", "exact", "--max-answers", 0) == 0
    assert f"scored          {held['samples']} generated answers" in capsys.readouterr().out


def test_eval_in_the_precision_of_the_run_gives_its_figures(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (last,) = trained(base, "half", "run.precision=bfloat16", "evaluation.metrics=[f1]")
    found = document(capsys, base / "half", "--metrics", "loss,f1", "--batch", 4)
    assert (found["loss"]["loss"], found["scores"][0]["value"]) == (last["loss"], last["f1"])


def test_what_is_not_the_data_of_the_run_is_not_taken_for_what_it_held_out(
    base: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    shutil.copytree(base, place, ignore=shutil.ignore_patterns("plain", "asked", "again", "other", "half"))
    trained(place, "run")
    with pytest.raises(UsageError, match="--context cuts other samples than those that the run held out"):
        called(place / "run", "--metrics", "f1", "--context", 16)
    with (place / "p.jsonl").open("a") as file:
        file.write('{"prompt": "new? ", "answer": "no"}\n')
    with pytest.raises(UsageError, match="the data are not those of the run"):
        called(place / "run", "--metrics", "f1")
    with pytest.raises(UsageError, match="are for generated answers; ask for a metric of these too"):
        called(place / "run", "--max-answers", 2)
    trained(place, "short", "data.context=20", "data.bad_records=count")
    with pytest.raises(
        UsageError, match="has 20 positions, and samples have 32 tokens; give a smaller --context"
    ):
        called(place / "run", place / "p.jsonl", "--against", place / "short")
    for words in (("--metrics", "f1", "--against", "start"), ("--format", "text")):
        with pytest.raises(UsageError, match=r"leave (?:--against|it) out"):
            called(place / "run", *words)


def test_files_are_asked_as_they_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = pairs(("a? ", "b"), ("long? " * 9, "b"), ("none? ", ""), ("c? ", "d"))
    write(tmp_path, p__jsonl=odd)
    write_model(llama(), tmp_path / "model")
    words = (tmp_path / "model", tmp_path / "p.jsonl", "--tokenizer", "bytes", "--format", "instructions")
    (tmp_path / "good.jsonl").write_text(pairs(("a? ", "b"), ("c? ", "d")))
    with pytest.raises(UnreadableError, match=r"p\.jsonl:2: no room for an answer"):
        called(*words, "--metrics", "exact", "--limit", 2)
    good = document(
        capsys, words[0], tmp_path / "good.jsonl", *words[2:], "--metrics", "loss,exact", "--limit", 2
    )
    assert (good["answers"], good["loss"]["samples"]) == (2, 2)


def test_a_model_with_more_ids_than_its_tokenizer_is_scored_all_the_same(base: Path) -> None:
    made = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=2048,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
        )
    )
    write_model(made, base / "large")
    _, *rest = (base / "run.yaml").read_text().splitlines()
    (base / "large.yaml").write_text("\n".join(("model: {path: large}", *rest)))
    overrides = ("run.steps=4", "evaluation.metrics=[f1]", "optimizer.lr=1e-6")
    (last,) = trained(base, "padded", *overrides, settings="large.yaml")
    assert last["f1"] >= 0


def test_a_model_of_the_callers_own_that_keeps_nothing_is_scored(base: Path) -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(256, 256)

        def forward(self, input_ids: Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=self.table(input_ids))

    loaded = load_config(base / "run.yaml", ["evaluation.metrics=[f1]", "run.steps=2"])
    with pytest.raises(LayoutError, match="has no Hugging Face layout"):
        run_training(loaded.config, loaded.base, base / "own", given=Given(model=Plain()))
    assert generate(Plain(), [1, 2], limit=3, size=256) != []


def test_a_tokenizer_that_cannot_write_the_answers_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, p__jsonl=pairs(*((f"ask {n}? ", f"Answer {n}") for n in range(40))))
    encoder = _lower(tmp_path)
    config = data_settings("p.jsonl", format=INSTRUCTIONS, context=64, validation=0.5)
    data = prepare(config, tmp_path, encoder, 0)
    held = to_judge_by(data, config, EvaluationConfig(metrics=["bleu"]), encoder)
    assert held is not None
    count = len(held.pairs)
    assert held.notes == (
        f"the tokenizer cannot write {count} of the {count} answers as they stand: bleu and chrf stay below 100",
    )
    plain = to_judge_by(data, config, EvaluationConfig(metrics=["bleu"]), ByteEncoder())
    assert plain is not None and plain.notes == ()


def _lower(folder: Path) -> Encoder:
    recipe = Recipe(kind="wordpiece", size=80, special=(), least=1, lowercase=True)
    tokenizer = train_tokenizer([f"ask {n}? answer {n}" for n in range(40)], recipe)
    write_files(tokenizer_files(tokenizer, recipe.kind), folder / "lower")
    return load_encoder(TokenizerConfig(path="lower"), folder)
