"""The pairs that a run holds out: which they are, and what becomes of their answers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.config.load import load_config
from codex_train.config.nouns import BadRecords, EvaluationConfig
from codex_train.data.blocks import Blocks
from codex_train.data.encoder import ByteEncoder
from codex_train.data.prepare import prepare
from codex_train.engine.run import run_training
from codex_train.evaluation.held_out import held_out
from codex_train.evaluation.pairs import held_out_pairs
from codex_train.screens.figures import evaluation_text
from tests.data.corpora import INSTRUCTIONS, pairs, write
from tests.data.corpora import settings as data_settings
from tests.engine.runs import final
from tests.evaluation.test_eval_command import called, document

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
        found = held_out_pairs(data, config, ByteEncoder())
        some = held_out_pairs(data, config, ByteEncoder(), 1)
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
    found = held_out(data, config, EvaluationConfig(), ByteEncoder())
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


def trained(base: Path, name: str, *overrides: str) -> list[dict[str, Any]]:
    """The evaluations of a run, without the seconds that they took."""
    loaded = load_config(base / "run.yaml", overrides)
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
    words = ("--metrics", "loss,exact,f1,bleu,rouge,chrf", "--max-samples", 5, "--limit", 9)
    found = document(capsys, base / "asked", *words)
    assert found["answers"] == 5
    assert {one["name"]: one["value"] for one in found["scores"]} == {
        name: asked[-1][name] for name in SCORES
    }


def test_eval_of_a_run_asks_what_it_held_out_without_a_loss_too(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(base, "other")
    held = json.loads((base / "other" / "segments" / "0000" / "data.json").read_text())["validation"]
    found = document(capsys, base / "other", "--metrics", "exact", "--limit", 9)
    assert found["loss"] is None
    assert found["answers"] == held["samples"]
    assert called(base / "other", "--metrics", "exact", "--limit", 9) == 0
    assert f"scored          {held['samples']} generated answers" in capsys.readouterr().out
