"""Shares and their intervals: what the few labels of one probe allow to say."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codex_audit.accuracy.figures import Z95, Counts, balanced_accuracy, counted, precision, recall, wilson

COUNT = st.integers(0, 500)
COUNTS = st.builds(Counts, COUNT, COUNT, COUNT, COUNT)


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    of = draw(st.integers(1, 10_000))
    return draw(st.integers(0, of)), of


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Those but the first stand in Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
    [
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_has_the_published_values(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=0.0001)


@given(shares())
def test_the_interval_holds_the_share_and_stays_within_bounds(share: tuple[int, int]) -> None:
    low, high = wilson(*share)
    assert 0 <= low <= share[0] / share[1] <= high <= 1


@given(shares())
def test_the_interval_of_the_opposite_is_the_mirror_image(share: tuple[int, int]) -> None:
    hits, of = share
    low, high = wilson(hits, of)
    assert wilson(of - hits, of) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(shares(), st.integers(2, 50))
def test_more_labels_of_the_same_share_narrow_the_interval(share: tuple[int, int], times: int) -> None:
    hits, of = share
    low, high = wilson(hits, of)
    nearer = wilson(hits * times, of * times)
    assert nearer[1] - nearer[0] < high - low


@given(shares())
def test_each_bound_is_where_the_share_would_just_be_surprising(share: tuple[int, int]) -> None:
    hits, of = share
    for bound in wilson(hits, of):
        if 1e-9 < bound < 1 - 1e-9:
            distance = abs(hits / of - bound) / math.sqrt(bound * (1 - bound) / of)
            assert distance == pytest.approx(Z95, rel=1e-6)


@pytest.mark.parametrize(("hits", "of"), [(0, 0), (3, 2), (-1, 4)])
def test_what_is_no_share_is_refused(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(hits, of)


@given(COUNTS)
def test_where_one_answer_never_occurs_something_is_not_measurable(counts: Counts) -> None:
    if counts.tp + counts.fn == 0:
        assert recall(counts) is None
    if counts.tn + counts.fp == 0:
        assert precision(counts) is None
    if counts.tp + counts.fp == 0:
        assert precision(counts) is None


@given(COUNTS)
def test_precision_and_recall_are_one_only_without_a_mistake_of_their_kind(counts: Counts) -> None:
    assume(counts.tp and counts.tn)
    right, found = precision(counts), recall(counts)
    assert right is not None
    assert found is not None
    assert (right.value == 1) == (counts.fp == 0)
    assert (found.value == 1) == (counts.fn == 0)


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_counts_add_up_to_the_labels_and_the_right_ones(answers: list[tuple[bool, bool]]) -> None:
    total = sum((counted(said, label) for said, label in answers), Counts())
    assert total.labels == len(answers)
    assert total.right == sum(said == label for said, label in answers)


def test_balanced_accuracy_gives_rare_answers_their_weight() -> None:
    assert balanced_accuracy(Counts(tp=1, fn=1, tn=90)) == 0.75
    assert balanced_accuracy(Counts(tn=9, fp=1)) == 0.9
    assert balanced_accuracy(Counts()) is None
