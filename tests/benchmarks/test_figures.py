"""The arithmetic of the speed benchmarks, and what they write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.document import BEGIN, table, with_section
from benchmarks.figures import exponent, ratio


def test_a_ratio_is_that_of_the_best_of_both_sides() -> None:
    assert ratio([9.0, 3.0, 4.0], [2.0, 1.5, 7.0]) == 2.0


@given(power=st.floats(-2, 3), factor=st.floats(0.001, 1000))
def test_the_exponent_is_that_of_the_power_law_that_made_the_costs(power: float, factor: float) -> None:
    sizes = [1_000, 5_000, 20_000, 50_000]
    assert exponent(sizes, [factor * size**power for size in sizes]) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("sizes", [[], [1_000], [1_000, 1_000]])
def test_growth_needs_two_sizes(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="two different sizes"):
        exponent(sizes, [1.0] * len(sizes))


def test_columns_line_up() -> None:
    assert table(("name", "s"), [("a", "1.000")]) == (
        "| name |     s |\n| ---- | ----: |\n| a    | 1.000 |\n"
    )


def test_a_section_is_added_once_and_then_replaced_and_the_rest_stays() -> None:
    first = with_section("# Measured\n\nBy hand.\n", "speed", "one")
    both = with_section(first, "scaling", "growth")
    again = with_section(both, "speed", "two\n")
    assert again == both.replace("\none\n", "\ntwo\n")
    assert again.startswith("# Measured\n\nBy hand.\n")
    assert again.count("benchmarks.speed") == again.count("benchmarks.scaling") == 1


def test_a_section_without_an_end_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="does not end"):
        with_section(BEGIN.format("speed", "speed") + "\n\nBy hand.\n", "speed", "one")
