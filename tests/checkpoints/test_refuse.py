"""A run goes on only as what it was, and whoever lets a difference through names it."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_evidence.run_identity import Identity, differences
from codex_train.checkpoints.refuse import ResumeRefusedError, refusal, require_same

CONFIG: dict[str, Any] = {
    "name": "a",
    "model": {"architecture": "llama", "options": {"hidden_size": 16}},
    "data": {"context": 8, "workers": 0, "files": ["a.txt"]},
    "optimizer": {"lr": 0.1, "clip": 1.0},
    "schedule": {"kind": "linear"},
    "run": {"steps": 10, "batch": 4, "patience": 0},
    "evaluation": {"every": 5},
    "checkpoint": {"every": 5, "pinned": []},
    "monitoring": {"log_every": 1},
}
RECORDED = Identity(CONFIG, "d" * 64, 1, "c" * 40, {"threads": 1, "cpu": {"capability": "AVX512"}})


def with_config(place: str, value: object, base: Identity = RECORDED) -> Identity:
    config = copy.deepcopy(dict(base.config))
    inner = config
    *path, last = place.split(".")
    for part in path:
        inner = inner.setdefault(part, {})
    inner[last] = value
    return dataclasses.replace(base, config=config)


def test_the_same_run_goes_on() -> None:
    assert differences(RECORDED, RECORDED) == []
    assert require_same(RECORDED, copy.deepcopy(RECORDED)) == ()


@pytest.mark.parametrize(
    ("now", "field"),
    [
        (with_config("optimizer.lr", 0.2), "config.optimizer.lr"),
        (with_config("model.options.hidden_size", 32), "config.model.options.hidden_size"),
        (with_config("model.options.layers", 2), "config.model.options.layers"),
        (with_config("run.steps", 20), "config.run.steps"),
        (with_config("run.batch", 4.5), "config.run.batch"),
        (with_config("run.batch", True), "config.run.batch"),
        (with_config("checkpointing", 1), "config.checkpointing"),
        (dataclasses.replace(RECORDED, data="e" * 64), "data"),
        (dataclasses.replace(RECORDED, world_size=2), "world_size"),
        (dataclasses.replace(RECORDED, code=""), "code"),
        (
            dataclasses.replace(RECORDED, environment={"threads": 2, "cpu": {"capability": "AVX512"}}),
            "environment.threads",
        ),
        (dataclasses.replace(RECORDED, environment={"threads": 1, "cpu": None}), "environment.cpu"),
    ],
)
def test_a_difference_is_refused_in_one_line_that_names_it_and_the_override(
    now: Identity, field: str
) -> None:
    with pytest.raises(ResumeRefusedError) as caught:
        require_same(RECORDED, now)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert f": {field} was " in str(caught.value)
    assert f"--accept {field}" in str(caught.value)
    assert require_same(RECORDED, now, [field]) == (field,)
    assert require_same(RECORDED, now, [field.partition(".")[0]]) == (field,)


@pytest.mark.parametrize(
    "place",
    [
        "name",
        "data.workers",
        "data.files",
        "checkpoint.every",
        "evaluation.every",
        "monitoring.log_every",
        "run.offline",
    ],
)
def test_what_changes_no_bit_may_change(place: str) -> None:
    assert differences(RECORDED, with_config(place, "other")) == []


def test_a_run_at_a_constant_rate_may_be_extended() -> None:
    constant = with_config("schedule.kind", "constant")
    assert differences(constant, with_config("run.steps", 99, constant)) == []
    assert [item.field for item in differences(RECORDED, with_config("run.steps", 99, constant))] == [
        "config.run.steps",
        "config.schedule.kind",
    ]


def test_evaluation_may_not_change_where_it_decides_when_to_stop() -> None:
    patient = with_config("run.patience", 3)
    assert [item.field for item in differences(patient, with_config("evaluation.every", 1, patient))] == [
        "config.evaluation.every"
    ]


def test_accepting_one_field_does_not_accept_another() -> None:
    now = with_config("optimizer.lr", 0.2, with_config("optimizer.clip", 2.0))
    with pytest.raises(ResumeRefusedError, match=r"config\.optimizer\.clip was"):
        require_same(RECORDED, now, ["config.optimizer.lr"])
    assert require_same(RECORDED, now, ["config.optimizer"]) == (
        "config.optimizer.clip",
        "config.optimizer.lr",
    )


def test_the_number_of_processes_is_one_difference_and_has_one_name() -> None:
    alone, many = (
        {"threads": 1, "world_size": size, "backend": name} for size, name in ((1, ""), (2, "gloo"))
    )
    recorded = dataclasses.replace(RECORDED, environment=alone)
    now = dataclasses.replace(RECORDED, world_size=2, environment=many)
    assert [item.field for item in differences(recorded, now)] == ["world_size"]
    assert require_same(recorded, now, ["world_size"]) == ("world_size",)
    other = dataclasses.replace(now, environment={**many, "backend": "nccl"})
    assert [item.field for item in differences(now, other)] == ["environment.backend"]


def test_a_misspelt_override_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"did you mean config\.optimizer\.lr"):
        require_same(RECORDED, RECORDED, ["config.optimiser.lr"])


def test_many_differences_stay_on_one_short_line() -> None:
    now = with_config("model.options", {f"option_{index}": "x" * 500 for index in range(50)})
    line = refusal(differences(RECORDED, now))
    assert "\n" not in line
    assert len(line) < 800


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.text("xy", min_size=1, max_size=2), PLAIN, max_size=3),
    st.dictionaries(st.text("xy", min_size=1, max_size=2), PLAIN, max_size=3),
)
def test_environments_differ_exactly_when_something_is_named(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    from codex_evidence.canonical import canonical_bytes

    found = differences(
        dataclasses.replace(RECORDED, environment=one), dataclasses.replace(RECORDED, environment=other)
    )
    assert bool(found) == (canonical_bytes(one) != canonical_bytes(other))
    back = differences(
        dataclasses.replace(RECORDED, environment=other), dataclasses.replace(RECORDED, environment=one)
    )
    assert [item.field for item in back] == [item.field for item in found]


def test_each_file_of_the_model_is_compared_and_let_through_under_one_name() -> None:
    was = dataclasses.replace(RECORDED, model={"config.json": "a" * 64, "model.safetensors": "b" * 64})
    now = dataclasses.replace(was, model={"config.json": "a" * 64, "model.safetensors": "c" * 64})
    with pytest.raises(ResumeRefusedError, match=r"model\.model\.safetensors was "):
        require_same(was, now)
    assert require_same(was, now, ["model"]) == ("model.model.safetensors",)
    assert [one.field for one in differences(was, RECORDED)] == [
        "model.config.json",
        "model.model.safetensors",
    ]


def with_code(code: str, commit: str = "1" * 40, **changes: str) -> Identity:
    listed = [{"path": path.replace("_", "."), "object": blob} for path, blob in changes.items()]
    return dataclasses.replace(RECORDED, code=code, source={"commit": commit, "changes": listed})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (with_code("b", a_py="2", b_py="1"), "(a.py)"),
        (with_code("b", a_py="1"), "(b.py)"),
        (with_code("b", a_py="2", b_py="2", c_py="", d_py="1", e_py="1"), "(a.py, b.py, c.py and 2 more)"),
        (with_code("b", commit="2" * 40), f"(commit {'1' * 12} and {'2' * 12})"),
        (dataclasses.replace(RECORDED, code=""), f"(commit {'1' * 12} and none)"),
    ],
)
def test_code_that_differs_is_said_by_its_files(now: Identity, told: str) -> None:
    with pytest.raises(ResumeRefusedError) as caught:
        require_same(with_code("a", a_py="1", b_py="1"), now)
    assert f" {told}; put it back" in str(caught.value)


def test_code_of_one_tree_is_the_same_whatever_its_commit() -> None:
    assert differences(with_code("a", a_py="1"), with_code("a", commit="2" * 40)) == []
