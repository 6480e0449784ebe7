"""File names, whatever their bytes, survive being text."""

from __future__ import annotations

import os

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import InvalidNameError
from codex_evidence.names import decode_name, encode_name, shown

ANY_BYTES = st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode() + b"\xff%")


@given(ANY_BYTES)
def test_any_bytes_round_trip(raw: bytes) -> None:
    text, encoding = encode_name(raw)
    assert decode_name(text, encoding) == raw
    canonical_bytes(text)  # no lone surrogate: it can stand in an artifact


@given(ANY_BYTES, ANY_BYTES)
def test_two_names_never_share_a_record(one: bytes, other: bytes) -> None:
    assume(one != other)
    assert encode_name(one) != encode_name(other)


@given(st.text(), st.sampled_from(["utf-8", "percent", "latin-1"]))
def test_a_name_has_one_spelling(text: str, encoding: str) -> None:
    try:
        raw = decode_name(text, encoding)
    except InvalidNameError:
        return
    assert encode_name(raw) == (text, encoding)


def test_a_name_that_is_not_utf8_stays_legible() -> None:
    assert encode_name(b"data/caf\xe9 100%.txt") == ("data/caf%E9 100%25.txt", "percent")
    assert encode_name("data/café 100%.txt".encode()) == ("data/café 100%.txt", "utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("caf%e9", "percent"),  # lower case
        ("%63af%E9", "percent"),  # escapes what needs no escape
        ("caf%C3%A9", "percent"),  # is UTF-8
        ("caf%E", "percent"),  # cut off
        ("caf\udce9", "utf-8"),
        ("a", "base64"),
    ],
)
def test_a_second_spelling_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(InvalidNameError):
        decode_name(text, encoding)


@given(ANY_BYTES)
def test_what_is_shown_cannot_steer_a_terminal(raw: bytes) -> None:
    assume(b"\x00" not in raw)
    assert all(char.isprintable() or not char.isascii() for char in shown(os.fsdecode(raw)))


def test_escape_sequences_and_bidirectional_overrides_are_shown_as_text() -> None:
    assert shown("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert shown("\u202etxt.py") == "\\u202etxt.py"
