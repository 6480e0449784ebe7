"""The grammar of ``key=value``: quotes, lists, mappings, escapes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.config.overrides import parse_override, single
from codex_train.config.reading import read_value


def value(text: str, hint: Any = Any) -> Any:
    return read_value(single(parse_override(f"model.options.x={text}")), hint, "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", "abc"),
        ("  a b  ", "a b"),
        ("'a, b'", "a, b"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\b'", r"a\b"),
        (r"a\,b", "a,b"),
        (r"f\(x\)", "f(x)"),
        ("a=b", "a=b"),
        ("http://x:80/a?b", "http://x:80/a?b"),
        ("12", 12),
        ("-1.5e-3", -0.0015),
        ("true", True),
        ("null", None),
        ("'12'", "12"),
        ("", ""),
        ("[]", []),
        ("{}", {}),
        ("[1, [2,a], 'b,c', {d: e}]", [1, [2, "a"], "b,c", {"d": "e"}]),
        ("{a:1,b:[x,y],'c':{d:http://e}}", {"a": 1, "b": ["x", "y"], "c": {"d": "http://e"}}),
        ("[${a.b}, x-${oc.env:HOME,'y,z'}]", ["${a.b}", "x-${oc.env:HOME,'y,z'}"]),
        ("*.txt", "*.txt"),
        ("été/日本", "été/日本"),
    ],
)
def test_a_value_is_read(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run.steps", "write key=value"),
        ("=3", "no key"),
        ("run..steps=3", "no key"),
        ("data/format@x=3", "no key"),
        ("+a=1", r"'\+' is not needed"),
        ("~a", "write key=value"),
        ("a=1,2", "codex-train sweep"),
        ("data.files=a,b", r"data\.files=\[a,b\]"),
        ("a=choice(1,2)", r"choice\(\) makes a sweep"),
        ("a=[1,2", r"closing '\]' is missing"),
        ("a={b:1", "closing '}' is missing"),
        ("a={b}", "':' is missing"),
        ("a={b:1,b:2}", "'b' is given twice"),
        ("a={[1]:2}", "a key must be a name"),
        ("a=[1,]", "a value is missing"),
        ("a=[,1]", "a value is missing"),
        ("a=1,", "a value is missing"),
        ("a=,1", "a value is missing"),
        ("a='b", "closing ' is missing"),
        ("a='b'c", "',' is missing before 'c'"),
        ("a=b'c", "in quotes"),
        ("a=]", "in quotes"),
        ("a=${b", "closing '}'"),
        ("a=" + "[" * 5000, "nested more than 50"),
    ],
)
def test_a_mistake_is_shown_with_the_override(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        single(parse_override(text))
    assert str(caught.value).startswith(f"override {text[:70]}")
    assert len(str(caught.value)) < 400


@given(st.text(max_size=30))
def test_any_text_in_quotes_is_itself(text: str) -> None:
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert single(parse_override(f"a={quoted}")).text == text  # type: ignore[union-attr]


@given(st.text(alphabet="ab=,'\"[]{}()$\\: .", max_size=20))
def test_any_text_is_read_or_refused_in_one_way(text: str) -> None:
    try:
        override = parse_override(f"a={text}")
    except UsageError:
        return
    assert override.elements
