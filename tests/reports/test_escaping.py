"""Whatever a tree holds shows as itself and nothing more, in running text, code spans and table cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from codex_audit.reports.escaping import cell, code, text, visible

HOSTILE = st.text(st.sampled_from("`|\\*_[]()<>#~$!&;-+=1.: \n\r\t\x1b\u202e\u200b\x00aw/@é")) | st.text()


def parsed(source: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(source)


def inline(source: str) -> list[Token]:
    """The inline tokens of one list item, which must be all that ``source`` holds."""
    tokens = parsed(f"- {source}\n")
    shape = [token.type for token in tokens]
    assert shape == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
    ]
    return tokens[3].children or []


def shown(tokens: list[Token]) -> str:
    assert {token.type for token in tokens} <= {"text", "text_special", "code_inline"}
    return "".join(token.content for token in tokens)


@given(HOSTILE)
def test_text_in_a_list_item_shows_as_itself(value: str) -> None:
    if visible(value).strip():
        assert shown(inline(text(value))) == visible(value).strip()


@given(HOSTILE)
def test_a_code_span_shows_as_itself(value: str) -> None:
    if visible(value).strip():
        tokens = inline(code(value))
        assert [token.type for token in tokens] == ["code_inline"]
        assert tokens[0].content.strip() == visible(value).strip()


@given(HOSTILE, HOSTILE)
def test_a_table_row_keeps_its_two_cells(first: str, second: str) -> None:
    tokens = parsed(f"| a | b |\n| --- | --- |\n| {cell(first)} | {text(second)} |\n")
    cells = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2
    assert [token.type for token in tokens].count("tr_open") == 2
    assert shown(cells[1].children or []) == visible(second).strip()


@given(HOSTILE)
def test_nothing_invisible_is_left(value: str) -> None:
    assert all(char.isprintable() or char == " " or ord(char) >= 0xA0 for char in visible(value))
    assert not set(visible(value)) & set("\n\r\t\x1b\x00\u202e\u2066\u200b\u2028\x9b")


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("safe\u202ecod.exe", "safe\\u202ecod.exe"),
        ("two\nlines", "two\\nlines"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("naïve 文", "naïve 文"),
    ],
)
def test_what_does_not_show_is_shown_as_an_escape(value: str, escaped: str) -> None:
    assert visible(value) == escaped


@pytest.mark.parametrize("value", ["https://evil.example", "www.evil.example", "x@evil.example"])
def test_an_address_in_text_is_not_left_for_a_linkifier(value: str) -> None:
    source = text(value)
    assert not any(mark in source for mark in ("://", "www.", "@"))
    assert shown(inline(source)) == value


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_excerpt_is_named(value: str) -> None:
    assert code(value) == "*(empty)*"
