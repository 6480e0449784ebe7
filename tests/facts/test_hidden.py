"""Places that a scan names are hidden before anything is parsed, and cost nothing else of the file."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import WHOLE_LINE, Hidden, covered, line_bounds, spans
from codex_audit.facts.read import read_file
from codex_audit.facts.secrets import found_and_clean, redact_bytes, unknown
from tests.scanners.scanning import SECRETS

KIND = "base64 high entropy string"
TEXT = st.lists(
    st.sampled_from([b"a", b"'x'", b" ", b"\n", b"\r\n", b"\r", b"\xff", b": "]), max_size=30
).map(b"".join)


def hide(data: bytes, *places: tuple[int, int, int]) -> bytes:
    return found_and_clean(data, [Hidden(KIND, Span(*place)) for place in places])[1]


@pytest.mark.parametrize(
    ("data", "place", "clean"),
    [
        (b"a = 'value'\n", (1, 5, 10), b"a = '[redacted %b]'\n"),
        (b"\r\na = 'value'\r\nb", (2, 5, 10), b"\r\na = '[redacted %b]'\r\nb"),
        (b"\ra = 'value'\rb", (2, 5, 10), b"\ra = '[redacted %b]'\rb"),
        (b"caf\xe9 = 'value'", (1, 8, 13), b"caf\xe9 = '[redacted %b]'"),
        (b"key: value\nb", (1, 5, 10), b'key: "[redacted %b]"\nb'),
        (b'say("so: value ", 1)\n', (1, 9, 14), b'say("so: [redacted %b] ", 1)\n'),
        (b"say('so: value')\n", (1, 9, 14), b"say('so: [redacted %b]')\n"),
        (b'"""So: value"""\n', (1, 7, 12), b'"""So: [redacted %b]"""\n'),
        (b"a\nvalue\nb", (2, 0, WHOLE_LINE), b"a\n[redacted %b]\nb"),
        (b"a\nb", (7, 0, 3), b"a\nb"),
        (b"a\nb", (0, 0, 3), b"a\nb"),
        (b"a\nb", (1, 3, 9), b"a\nb"),
    ],
)
def test_a_place_is_replaced_and_nothing_else(data: bytes, place: tuple[int, int, int], clean: bytes) -> None:
    assert hide(data, place) == clean.replace(b"%b", KIND.encode())


def test_a_value_of_several_lines_is_replaced_once_and_keeps_its_lines() -> None:
    data = b"key: |\n  one\n  two\nend\n"
    assert hide(data, (2, 2, 5), (3, 2, 5)) == f"key: |\n  [redacted {KIND}]\n\nend\n".encode()


@given(TEXT, st.lists(st.tuples(*[st.integers(0, 9)] * 3), max_size=5))
def test_lines_stay_and_no_byte_of_a_place_is_left(data: bytes, places: list[tuple[int, int, int]]) -> None:
    marked = [Hidden(KIND, Span(*place)) for place in places]
    found = covered(data, marked)
    assert all(before.end < after.start for before, after in pairwise(found))
    left = data
    for one in reversed(found):
        left = left[: one.start] + left[one.end :]
    clean = found_and_clean(data, marked)[1]
    words = clean.replace(f"[redacted {KIND}]".encode(), b"").replace(b'"', b"").split()
    assert b"".join(words) == b"".join(left.split())
    assert (clean.count(b"\n"), clean.count(b"[redacted ")) == (data.count(b"\n"), len(found))
    assert hide(data) == redact_bytes(data)


@given(TEXT, st.integers(0, 60), st.integers(0, 60))
def test_bytes_to_places_and_back(data: bytes, start: int, end: int) -> None:
    found = [Hidden(KIND, span) for span in spans(start, end, data, line_bounds(data))]
    shown = b"".join(data[one.start : one.end] for one in covered(data, found))
    assert b"".join(shown.split()) == b"".join(data[start:end].split())


def test_what_the_readers_find_keeps_its_kind_and_counts_as_before() -> None:
    data = b"a = 'x'\ntoken = '" + SECRETS["github-token"].encode() + b"'\n"
    place = Hidden("github token", Span(2, 9, 9 + len(SECRETS["github-token"])))
    assert found_and_clean(data, [place]) == found_and_clean(data)
    other = Hidden(KIND, Span(1, 5, 6))
    assert unknown(data, [place]) == ()
    assert unknown(data, [place, other, Hidden(KIND, Span(9, 0, 1))]) == (other,)


def test_python_stays_python_where_a_scanner_took_code_for_a_string() -> None:
    data = b'import torch\nx = "a b"+SOME_LONG_NAME+"def"\n'
    facts = read_file("a.py", data, frozenset(), "a", [Hidden(KIND, Span(2, 9, 25))])
    assert facts.unread == ()
    assert facts.python is not None
    assert [one.target for one in facts.python.imports] == ["torch"]
    assert "SOME_LONG_NAME" not in repr(facts)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.py", b"import torch\nkey = 'q8Zr-77-wort'  # 3\n"),
        ("a.json", b'{"key": "q8Zr-77-wort", "b": 1}'),
        ("a.yaml", b"key: q8Zr-77-wort\nb: 1\n"),
        ("a.toml", b'key = "q8Zr-77-wort"\nb = 1\n'),
        ("a.ini", b"[a]\nkey = q8Zr-77-wort\nb = 1\n"),
        ("README.md", b"# A\n\nThe key is `q8Zr-77-wort`.\n"),
        ("Dockerfile", b"FROM a\nENV KEY=q8Zr-77-wort\n"),
    ],
)
def test_no_fact_holds_a_hidden_value_and_the_rest_is_read_as_before(path: str, data: bytes) -> None:
    value = b"q8Zr-77-wort"
    places = [
        Hidden(KIND, one)
        for one in spans(data.index(value), data.index(value) + len(value), data, line_bounds(data))
    ]
    before, after = (read_file(path, data, frozenset(), "a", hidden) for hidden in ((), places))
    assert value.decode() in repr(before) or path == "README.md"
    assert value.decode() not in repr(after)
    assert before.unread == after.unread == ()
    kinds = [
        name for name in before.__slots__ if (getattr(before, name) is None) != (getattr(after, name) is None)
    ]
    assert kinds == []
    if path == "a.py":
        ast.parse(found_and_clean(data, places)[1])
