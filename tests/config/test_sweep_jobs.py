"""Which jobs a sweep has, and in which order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.config.sweep import sweep_jobs


def values(text: str) -> list[str]:
    return [job.overrides[0].partition("=")[2] for job in sweep_jobs([f"run.seed={text}"])]


def test_the_last_key_changes_fastest_and_single_values_stay() -> None:
    jobs = sweep_jobs(["run.seed=1,2", "name=x", "optimizer.lr=choice(1e-3, 3e-4)"])
    assert [job.overrides for job in jobs] == [
        ("run.seed=1", "name=x", "optimizer.lr=1e-3"),
        ("run.seed=1", "name=x", "optimizer.lr=3e-4"),
        ("run.seed=2", "name=x", "optimizer.lr=1e-3"),
        ("run.seed=2", "name=x", "optimizer.lr=3e-4"),
    ]
    assert [job.number for job in jobs] == [0, 1, 2, 3]
    assert jobs[1].varied == ("run.seed=1", "optimizer.lr=3e-4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("range(1,4)", ["1", "2", "3"]),
        ("range(3)", ["0", "1", "2"]),
        ("range(0,10,4)", ["0", "4", "8"]),
        ("range(5,1,-2)", ["5", "3"]),
        ("range(0,0.3,0.1)", ["0.0", "0.1", "0.2"]),
        ("range(start=1,stop=3)", ["1", "2"]),
        ("range(stop=2)", ["0", "1"]),
        ("range(1e-4,3e-4,1e-4)", ["0.0001", "0.0002"]),
        ("sort(3,1,2)", ["1", "2", "3"]),
        ("sort(10,9,1e1, reverse=true)", ["10", "1e1", "9"]),
        ("sort(b,a)", ["a", "b"]),
        ("sort(choice(b,a),reverse=true)", ["b", "a"]),
        ("sort(range(3),reverse=true)", ["2", "1", "0"]),
        ("[1,2],[3]", ["[1,2]", "[3]"]),
        ("{a:1,b:2},{}", ["{a:1,b:2}", "{}"]),
        ("'a,b','c'", ["'a,b'", "'c'"]),
        ("choice([a,b])", ["[a,b]"]),
    ],
)
def test_the_values_of_one_key(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interval(0,1)", "no end of values"),
        ("glob(*)", "config groups"),
        ("shuffle(1,2)", "another order"),
        ("tag(a,choice(1,2))", r"tag\(\)"),
        ("int(1,2)", "type decides"),
        ("chioce(1,2)", r"did you mean choice\(\)"),
        ("foo(1)", "there are choice, range, sort"),
        ("choice()", "takes the values"),
        ("choice(range(3))", r"cannot hold range\(\)"),
        ("range()", "takes"),
        ("range(a)", "takes numbers, not 'a'"),
        ("range(1,2,0)", "must not be 0"),
        ("range(1,2,3,4)", "takes"),
        ("range(1,2,stop=3)", "each once"),
        ("range(0,1e9)", "more than 1000"),
        ("range(1,1)", "no value is left"),
        ("range(0,1e300,1e-300)", "more than 1000"),
        ("sort(1,a)", "numbers with texts"),
        ("sort(1,2,reverse=maybe)", "reverse=true"),
        ("choice(1,2),3", "beside other values"),
        ("1", "nothing to sweep over"),
        ("range(1,", "is missing"),
    ],
)
def test_what_is_no_sweep_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        values(text)


def test_keys_are_checked_before_any_job() -> None:
    with pytest.raises(UsageError, match=r"given twice.*run\.seed=1,2"):
        sweep_jobs(["run.seed=1,2", "run.seed=3"])
    with pytest.raises(UsageError, match=r"did you mean 'optimizer\.lr'"):
        sweep_jobs(["lr=1,2"])
    with pytest.raises(UsageError, match="make 1000000 jobs"):
        sweep_jobs([f"model.options.{name}=range(100)" for name in "abc"])


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_there_is_one_job_for_each_combination(sizes: list[int]) -> None:
    overrides = [f"model.options.k{index}=range({size})" for index, size in enumerate(sizes)]
    numbers = [tuple(int(one.rpartition("=")[2]) for one in job.overrides) for job in sweep_jobs(overrides)]
    assert numbers == list(itertools.product(*map(range, sizes)))
