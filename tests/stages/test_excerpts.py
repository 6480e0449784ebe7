"""What stands at a cited line, as a reader sees it and without what nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, Evidence, ProbeAnswer, Support
from codex_audit.stages.excerpts import LONGEST, with_excerpts

TOKEN = "hf_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbC"
KEY = "\n".join(
    [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
        "-----END PRIVATE KEY-----",
    ]
)


def cited(*places: tuple[str, int]) -> CapabilitiesRaw:
    """Answers that cite these lines, every second one as a near miss."""
    items = [Evidence(path, line, "", "why", "library", "called", "x", "") for path, line in places]
    answer = ProbeAnswer("a.b", "yes", "reason", tuple(items[::2]), (), tuple(items[1::2]))
    return CapabilitiesRaw("x", True, (CapabilityAnswers("a", "A", (answer,), Support((), ())),))


def excerpts(files: dict[str, bytes], *places: tuple[str, int]) -> list[str]:
    (answer,) = with_excerpts(cited(*places), files.__getitem__).capabilities[0].probes
    found = {(item.path, item.line): item.excerpt for item in (*answer.evidence, *answer.near)}
    return [found[place] for place in places]


def test_evidence_and_near_misses_are_quoted_and_nothing_else_is_changed() -> None:
    raw = cited(("a.py", 1), ("b.py", 2))
    quoted = with_excerpts(raw, {"a.py": b"one\n", "b.py": b"\n\ttwo  \n"}.__getitem__)
    (before,), (after,) = raw.capabilities[0].probes, quoted.capabilities[0].probes
    assert [item.excerpt for item in (*after.evidence, *after.near)] == ["one", "two"]
    assert (after.id, after.verdict, after.reason, after.looked_for) == (
        before.id,
        before.verdict,
        before.reason,
        before.looked_for,
    )
    assert with_excerpts(quoted, {"a.py": b"one\n", "b.py": b"\n\ttwo  \n"}.__getitem__) == quoted


def test_each_file_is_read_once_and_no_file_that_nobody_cites() -> None:
    read: list[str] = []

    def text_of(path: str) -> bytes:
        read.append(path)
        return b"a\nb\n"

    with_excerpts(cited(("x", 1), ("y", 1), ("x", 2), ("x", 1)), text_of)
    assert sorted(read) == ["x", "y"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_python_ends_them(end: str) -> None:
    data = end.join(["first", "  second  ", "", "form\ffeed", "line\u2028separator", "last"]).encode()
    lines = excerpts({"a": data}, *(("a", line) for line in range(1, 7)))
    assert lines == ["first", "second", "", "form\ffeed", "line\u2028separator", "last"]


def test_lines_of_all_ends_in_one_file() -> None:
    assert excerpts({"a": b"1\r\n2\r3\n\r4"}, *(("a", line) for line in range(1, 6))) == [
        "1",
        "2",
        "3",
        "",
        "4",
    ]


@pytest.mark.parametrize("line", [0, -1, 4, 10**9])
def test_a_line_that_is_not_there_is_empty(line: int) -> None:
    assert excerpts({"a": b"1\n2\n"}, ("a", line)) == [""]


def test_what_cannot_be_read_as_text_is_empty_or_replaced() -> None:
    assert excerpts({"binary": b"", "latin": b"name = '\xe9'\n"}, ("binary", 1), ("latin", 1)) == [
        "",
        "name = '\ufffd'",
    ]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=400))
def test_a_line_is_stripped_and_cut(text: str) -> None:
    (found,) = excerpts({"a": f"x\n{text}\ny".encode()}, ("a", 2))
    assert len(found) <= LONGEST
    assert found == text.strip()[:LONGEST]


@pytest.mark.parametrize("before", [0, 100, 130, 150, 170])
def test_a_credential_is_replaced_before_the_line_is_cut(before: int) -> None:
    line = "#" * before + f' token = "{TOKEN}"'
    (found,) = excerpts({"a": f"x\n{line}\n".encode()}, ("a", 2))
    assert not any(TOKEN[start : start + 8] in found for start in range(len(TOKEN) - 8))
    assert ("[redacted" in found) == (before <= 130)
    assert len(found) <= LONGEST


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_no_line_of_a_key_is_quoted_and_lines_below_keep_their_numbers(end: str) -> None:
    data = f"above\n{KEY}\nbelow\n".replace("\n", end).encode()
    lines = excerpts({"key.pem": data}, *(("key.pem", line) for line in range(1, 7)))
    assert (lines[0], lines[1], lines[5]) == ("above", "[redacted private key]", "below")
    assert lines[2:5] == ["", "", ""]
