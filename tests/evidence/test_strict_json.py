"""What the strict reader takes and what it refuses, each refusal by its own error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import (
    DuplicateKeyError,
    JsonDepthError,
    JsonEncodingError,
    JsonNumberError,
    JsonSizeError,
    JsonSyntaxError,
    StrictJsonError,
)
from codex_evidence.strict_json import MAX_DEPTH, MAX_INTEGER, loads

# A double from 2**53 to 1e21 is written as an integer, which is refused: it may have been rounded.
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number) <= MAX_INTEGER or abs(number) >= 1e21
)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | FLOATS | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5)
)

REFUSED = [
    (b'{"a":1,"a":2}', DuplicateKeyError),
    (b'[{"x":{"k":1,"\\u006b":2}}]', DuplicateKeyError),
    (b"NaN", JsonNumberError),
    (b"[Infinity]", JsonNumberError),
    (b"-Infinity", JsonNumberError),
    (b"1e999", JsonNumberError),
    (b"-1e999", JsonNumberError),
    (b"9007199254740992", JsonNumberError),
    (b"-9007199254740992", JsonNumberError),
    (b"9" * 5000, JsonNumberError),
    (b"\xef\xbb\xbf{}", JsonEncodingError),
    ("{}".encode("utf-16"), JsonEncodingError),
    (b'"\xff"', JsonEncodingError),
    (b'"\xed\xa0\x80"', JsonEncodingError),
    (b'"\\ud800"', JsonEncodingError),
    (b'{"\\udc00x":1}', JsonEncodingError),
    (b'"\\udc00\\ud800"', JsonEncodingError),
    (b"", JsonSyntaxError),
    (b" ", JsonSyntaxError),
    (b"{} {}", JsonSyntaxError),
    (b"{}x", JsonSyntaxError),
    (b"{}\x00", JsonSyntaxError),
    (b"[1,]", JsonSyntaxError),
    (b'{"a":1,}', JsonSyntaxError),
    (b"{a:1}", JsonSyntaxError),
    (b"'a'", JsonSyntaxError),
    (b"01", JsonSyntaxError),
    (b"+1", JsonSyntaxError),
    (b".5", JsonSyntaxError),
    (b"1.", JsonSyntaxError),
    ("[\u0663]".encode(), JsonSyntaxError),
    ("\u00a0{}".encode(), JsonSyntaxError),
    (b'"a\nb"', JsonSyntaxError),
    (b'"\\x41"', JsonSyntaxError),
    (b"// comment\n1", JsonSyntaxError),
    (b'"open', JsonSyntaxError),
    (b"]", JsonSyntaxError),
]


@pytest.mark.parametrize(("data", "error"), REFUSED)
def test_each_document_is_refused_by_its_own_error(data: bytes, error: type[StrictJsonError]) -> None:
    with pytest.raises(StrictJsonError) as caught:
        loads(data)
    assert type(caught.value) is error
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("bomb", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_a_depth_bomb_is_a_typed_error(bomb: bytes) -> None:
    with pytest.raises(JsonDepthError):
        loads(bomb)


def test_a_depth_bomb_cannot_hide_behind_an_escaped_quote() -> None:
    for prefix in (b'["\\"",', b'["\\\\",', b'["\\\\\\"",', b'["\\u005c",', b'["\\\\\\\\",'):
        with pytest.raises(JsonDepthError, match="more than 100 levels"):
            loads(prefix + b"[" * 100_000)


def test_depth_beyond_the_interpreter_is_a_typed_error_whatever_the_caller_allows() -> None:
    with pytest.raises(JsonDepthError):
        loads(b"[" * 50_000 + b"]" * 50_000, max_depth=10**9)


def test_brackets_within_strings_are_no_depth() -> None:
    text = '[{"' * 1000 + "\\"
    assert loads(json.dumps([text]).encode()) == [text]


@given(st.integers(1, MAX_DEPTH), st.sampled_from([(b"[", b"]"), (b'{"[{\\"":', b"}")]))
def test_depth_is_counted_exactly(depth: int, brackets: tuple[bytes, bytes]) -> None:
    opening, closing = brackets
    data = opening * depth + b"1" + closing * depth
    loads(data, max_depth=depth)
    with pytest.raises(JsonDepthError):
        loads(data, max_depth=depth - 1)


def test_breadth_is_no_depth() -> None:
    assert loads(b"[" + b"[]," * 5000 + b"[]]") == [[]] * 5001


def test_size_is_limited_to_the_byte() -> None:
    assert loads(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(JsonSizeError, match="5 bytes"):
        loads(b'"abc"', max_bytes=4)


def test_the_largest_integers_and_a_true_surrogate_pair_are_read() -> None:
    assert loads(b"[9007199254740991,-9007199254740991]") == [MAX_INTEGER, -MAX_INTEGER]
    assert loads(b'"\\ud83d\\ude00 \\\\ud800"') == "\U0001f600 \\ud800"


def test_the_message_names_the_source_and_the_place() -> None:
    with pytest.raises(JsonSyntaxError, match=r"^gaps\.json: line 2, column 3: "):
        loads(b"{\n  a", source="gaps.json")
    with pytest.raises(DuplicateKeyError, match=r"'sha256' stands twice"):
        loads(b'{"path":1,"sha256":1,"sha256":2}')


@given(VALUES)
def test_what_is_written_canonically_is_read_back(value: object) -> None:
    assert loads(canonical_bytes(value)) == value


@given(VALUES)
def test_what_any_writer_writes_is_read_back(value: object) -> None:
    assert loads(json.dumps(value, indent=1).encode()) == value


@given(st.binary(max_size=40) | st.text('{}[]":,\\u0d8e1-. tn', max_size=30).map(str.encode))
def test_any_bytes_give_a_value_or_a_typed_error(data: bytes) -> None:
    try:
        value = loads(data)
    except StrictJsonError:
        return
    assert json.loads(data) == value
