"""Typed values become plain ones and come back the same, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import ConversionError
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.strict_json import loads


class Point(NamedTuple):
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Inner:
    value: float | None
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    flag: bool
    words: frozenset[str]
    inner: Inner | None
    groups: dict[str, tuple[str, ...]]
    lines: dict[int, str] = field(default_factory=dict)


WORDS = st.text(max_size=5)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
FRACTIONS = st.floats(-1e15, 1e15)
OUTERS = st.builds(
    Outer,
    WORDS,
    st.booleans(),
    st.frozensets(WORDS),
    st.none()
    | st.builds(
        Inner, st.none() | FRACTIONS, st.lists(st.builds(Point, WORDS, NUMBERS), max_size=3).map(tuple)
    ),
    st.dictionaries(WORDS, st.lists(WORDS, max_size=3).map(tuple), max_size=3),
    st.dictionaries(NUMBERS, WORDS, max_size=3),
)

PLAIN: dict[str, Any] = {
    "name": "x",
    "flag": True,
    "words": ["a", "b"],
    "inner": {"value": 1.5, "points": [["p", 3]]},
    "groups": {"g": ["h"]},
    "lines": {"7": "seven"},
}


def replaced(path: tuple[str | int, ...], value: object) -> Any:
    """PLAIN with ``value`` at ``path``."""

    def walk(node: Any, rest: tuple[str | int, ...]) -> Any:
        if not rest:
            return value
        if isinstance(node, list):
            return [walk(item, rest[1:]) if index == rest[0] else item for index, item in enumerate(node)]
        return {**node, str(rest[0]): walk(node.get(rest[0]), rest[1:])}

    return walk(PLAIN, path)


@given(OUTERS)
def test_a_value_survives_the_way_over_bytes(value: Outer) -> None:
    assert from_plain(Outer, loads(canonical_bytes(to_plain(value)))) == value


def test_tuples_are_lists_and_sets_are_sorted() -> None:
    value = Outer(
        name="x",
        flag=True,
        words=frozenset("ba"),
        inner=Inner(1.5, (Point("p", 3),)),
        groups={"g": ("h",)},
        lines={7: "seven"},
    )
    assert to_plain(value) == PLAIN
    assert from_plain(Outer, PLAIN) == value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("name",), 1, r"\$\.name"),
        (("name",), None, r"\$\.name"),
        (("flag",), 1, r"\$\.flag"),
        (("flag",), "true", r"\$\.flag"),
        (("inner", "value"), "1.5", r"\$\.inner\.value"),
        (("inner", "points"), [["p"]], r"\$\.inner\.points"),
        (("inner", "points"), [["p", 3, 4]], r"\$\.inner\.points"),
        (("inner", "points"), [["p", 3.0]], r"\$\.inner\.points"),
        (("inner", "points"), [["p", True]], r"\$\.inner\.points"),
        (("lines",), {"seven": "x"}, "lines|key"),
        (("typo",), 1, "unknown field typo"),
        (("inner", "typo"), None, r"unknown field inner\.typo"),
    ],
)
def test_nothing_is_coerced_or_dropped(path: tuple[str | int, ...], value: object, message: str) -> None:
    with pytest.raises(ConversionError, match=f"^demo: .*({message})"):
        from_plain(Outer, replaced(path, value), source="demo")


@pytest.mark.parametrize("name", ["name", "flag", "words", "inner", "groups"])
def test_a_field_without_default_must_be_there(name: str) -> None:
    with pytest.raises(ConversionError, match=name):
        from_plain(Outer, {key: value for key, value in PLAIN.items() if key != name})


def test_a_field_with_default_may_be_missing() -> None:
    partial = {key: value for key, value in PLAIN.items() if key != "lines"}
    assert from_plain(Outer, partial).lines == {}


@pytest.mark.parametrize("value", [object(), print, [object()], Outer])
def test_what_has_no_plain_form_is_refused(value: object) -> None:
    with pytest.raises(ConversionError, match="has no plain form"):
        to_plain(value)
