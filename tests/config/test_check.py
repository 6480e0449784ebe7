"""Which values settings may have, alone and together."""

from __future__ import annotations

import typing

import pytest

from codex_evidence.errors import UsageError
from codex_train.config.check import BOUNDS, CHOICES, PATTERNS, RULES, check, check_steps, problems, value_of
from codex_train.config.fields import settings
from codex_train.config.load import load_config
from codex_train.config.nouns import Config
from codex_train.evaluation.answers import METRICS

BREAKS = {
    "model.gguf": ["model.gguf=a.gguf"],
    "lora.dora": ["lora.dora=true"],
    "lora.targets": ["lora.targets=[q_proj]"],
    "data.separator": ["data.separator=--", "data.format=jsonl"],
    "data.prompt_key": ["data.format=instructions", "data.prompt_key=answer"],
    "schedule.decay": ["schedule.decay=3"],
    "schedule.kind": ["schedule.kind=wsd"],
    "schedule.warmup": ["schedule.warmup=11", "run.steps=10"],
    "run.micro_batch": ["run.micro_batch=3"],
    "run.precision": ["run.precision=float16", "model.dtype=bfloat16"],
    "run.patience": ["run.patience=1"],
    "evaluation.every": ["evaluation.every=1", "data.validation=0"],
    "evaluation.metrics": ["evaluation.metrics=[f1]"],
    "checkpoint.pinned": ["checkpoint.pinned=[1,1]"],
    "monitoring.interval": ["monitoring.interval=0.01"],
}


def message(*overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_config(None, ["data.files=[/a]", *overrides])
    return str(caught.value)


def test_the_defaults_are_fine() -> None:
    assert list(problems(Config())) == []


def test_every_number_has_bounds_and_every_row_a_setting() -> None:
    numbers = {name for name, hint in settings().items() if {hint, *typing.get_args(hint)} & {int, float}}
    assert numbers == set(BOUNDS)
    assert {*CHOICES, *PATTERNS, *(rule.key for rule in RULES)} <= set(settings())
    assert {rule.key for rule in RULES} == set(BREAKS)


@pytest.mark.parametrize("key", BREAKS)
def test_settings_that_contradict_each_other_are_refused_with_what_to_do(key: str) -> None:
    assert f"{key}" in message(*BREAKS[key])


@pytest.mark.parametrize("key", BOUNDS)
def test_a_number_out_of_bounds_is_refused(key: str) -> None:
    bounds = BOUNDS[key]
    for number in (bounds.low - 1, bounds.high * 2, *([bounds.low] if bounds.above else [])):
        shown = f"{number:.0f}" if float(number).is_integer() else str(number)
        override = f"{key}=[{shown}]" if isinstance(value_of(Config(), key), list) else f"{key}={shown}"
        assert key in message(override)


def test_scores_of_answers_need_pairs_that_are_held_out() -> None:
    assert CHOICES["evaluation.metrics"] == METRICS
    pairs = ("data.format=instructions", "evaluation.metrics=[exact,f1]")
    check(load_config(None, ["data.files=[/a]", *pairs]).config)
    assert "needs data.format=instructions" in message("evaluation.metrics=[f1]")
    assert "no pair is held out" in message(*pairs, "data.validation=0")
    assert "must be one of exact, f1, bleu, rouge, chrf, not 'em'" in message(
        pairs[0], "evaluation.metrics=[em]"
    )
    assert "names a score twice" in message(pairs[0], "evaluation.metrics=[f1,f1]")


def test_what_is_allowed_at_the_edge_is_taken() -> None:
    overrides = [
        "data.files=[/a]",
        "optimizer.beta1=0",
        "schedule.final=1",
        "data.validation=0",
        "run.steps=10",
    ]
    check(load_config(None, [*overrides, "schedule.warmup=10", "checkpoint.pinned=[10]"]).config)


def test_all_problems_are_counted() -> None:
    assert message("run.batch=0", "run.steps=-1", "model.dtype=int8").endswith("(and 2 more)")
    assert "float32, bfloat16, float16" in message("model.dtype=int8")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("schedule.warmup=11", "schedule.warmup and schedule.decay together are 11 steps"),
        ("checkpoint.pinned=[2,11]", "checkpoint.pinned names step 11"),
    ],
)
def test_what_epochs_have_no_steps_for_is_refused_once_they_are_counted(override: str, said: str) -> None:
    config = load_config(None, ["data.files=[/a]", "run.epochs=0.5", override]).config
    check_steps(config, 11)
    with pytest.raises(UsageError, match=rf"^{said}, but run\.epochs=0\.5 makes 10 in all$"):
        check_steps(config, 10)


KEY = "hf" + "_" + "q7Rk2LpVx9" * 3


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("data.source='https://me:hunter2@example.org/corpus'", "data.source"),
        ("data.source='https://" + KEY + "@example.org/corpus'", "data.source"),
        ("data.source='https://example.org/corpus?token=q7Rk2LpVx9q7'", "data.source"),
        ("data.files=[a.txt,'ftp://me:hunter2@example.org/b.txt']", "data.files"),
        ("model.options.note=" + KEY, "model.options.note"),
    ],
)
def test_a_password_is_refused_and_not_repeated(override: str, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(None, ["data.files=[a.txt]", override])
    assert f"{key} holds a password or an access token; leave it out" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    ["https://example.org/a:b@c", "me@example.org", "doi:10.1000/182", "git@example.org:me/corpus.git", ""],
)
def test_a_source_without_a_password_is_taken(source: str) -> None:
    assert load_config(None, ["data.files=[a.txt]", f"data.source='{source}'"]).config.data.source == source
