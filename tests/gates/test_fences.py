from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from codex_audit.gates.fences import Fenced, fence_problems, fenced_blocks
from codex_audit.gates.repository import Repository
from tests.gates.places import hook, repository


def problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "a.md").write_text(text)
    return [str(one) for one in fence_problems(Repository(tmp_path, b"", has_git=False), b"a.md")]


# --- Agreement with the judge on documents whose nesting is known, because it was made here.
PLAIN = st.sampled_from(
    ["word", "", "    indented", "# title", "---", "``` `", "``", "~~", "<b>", "> ", "- ", "[a]: b"]
)
MARKERS = st.builds(lambda char, count: char * count, st.sampled_from("`~"), st.integers(3, 6))
INFOS = st.sampled_from(["", "py", "text title", "{code-block} python"])


@st.composite
def fences(draw: st.DrawFn) -> list[str]:
    """A fence, closed, closed wrongly or not at all, around anything."""
    marker, indent = draw(MARKERS), " " * draw(st.integers(0, 4))
    inner = draw(st.lists(st.one_of(PLAIN, MARKERS, st.builds("{}{}".format, MARKERS, INFOS)), max_size=4))
    end = draw(
        st.sampled_from([[marker], [marker + marker[0]], [marker[1:]], ["    " + marker], [marker + " "], []])
    )
    return [f"{indent}{marker}{draw(INFOS)}", *inner, *(indent + line if line else line for line in end)]


def nested(children: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """Blocks within a quote or an item, or one after the other; sometimes without the marks of the container."""

    def quoted(lines: list[str], lazy: bool) -> list[str]:
        return [
            line if lazy and number == len(lines) - 1 else f"> {line}" for number, line in enumerate(lines)
        ]

    def listed(lines: list[str], mark: str, short: int) -> list[str]:
        width = max(len(mark) - short, 0)
        return [(mark if not number else " " * width) + line for number, line in enumerate(lines)]

    return st.one_of(
        st.builds(quoted, children, st.booleans()),
        st.builds(listed, children, st.sampled_from(["- ", "*  ", "1. ", "10) ", "-\t"]), st.integers(0, 1)),
        st.builds(lambda one, two: [*one, *two], children, children),
        st.builds(lambda one: [f"    {line}" for line in one], children),
    )


DOCUMENTS = st.recursive(st.one_of(fences(), st.lists(PLAIN, max_size=3)), nested, max_leaves=6)


def judged(text: str) -> list[tuple[int, str, str, str]]:
    """The fenced blocks as markdown-it-py gives them when it reads all of CommonMark."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [
        (token.map[0] + 1, token.markup, token.info.strip(), token.content)
        for token in tokens
        if token.type == "fence" and token.map
    ]


@given(DOCUMENTS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_finds_the_blocks_that_commonmark_finds(lines: list[str], end: str, last: bool) -> None:
    text = end.join(lines) + (end if last else "")
    found = fenced_blocks(text)
    mine = [(one.line, one.marker, one.info, "".join(f"{line}\n" for line in one.content)) for one in found]
    # Whether the last line of the file has an end of its own is no matter of fences.
    assert mine == [(line, marker, info, _ended(content)) for line, marker, info, content in judged(text)]


def _ended(content: str) -> str:
    return content if content.endswith("\n") or not content else content + "\n"


@given(DOCUMENTS)
def test_a_block_is_closed_when_a_longer_text_after_it_stays_outside(lines: list[str]) -> None:
    """At the end of a file only an open block takes in what is added."""
    text = "\n".join(lines) + "\n"
    for block in fenced_blocks(text)[-1:]:
        if block.last == len(lines) and all(line[:1] not in "> \t-*10" for line in lines):
            again = fenced_blocks(text + "added\n")[-1]
            assert (again.content == (*block.content, "added")) is (not block.closed)


@pytest.mark.parametrize("mark", ["`", "~"])
@pytest.mark.parametrize("before", ["", "> ", "- ", "   ", "> - ", "1. > "])
def test_a_closed_fence_is_closed_within_every_container(mark: str, before: str) -> None:
    after = before.replace("-", " ").replace("1.", "  ")
    text = f"{before}{mark * 3}py\n{after}x = 1\n{after}{mark * 3}\n"
    assert fenced_blocks(text) == (Fenced(1, 3, mark * 3, "py", ("x = 1",), closed=True),)
    assert not fenced_blocks(text.rsplit("\n", 2)[0])[0].closed


def test_an_unclosed_fence_is_named_with_its_line(tmp_path: Path) -> None:
    assert problems(tmp_path, "a\n\n```py\nx\n") == [
        "a.md:3: the fence ``` is not closed and runs to line 4; close it with ```"
    ]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("~~~", "~~~ is another marker"),
        ("```", "``` is shorter"),
        ("    ````", "it is indented by more than three"),
    ],
)
def test_says_why_a_line_does_not_close_the_fence(tmp_path: Path, end: str, why: str) -> None:
    [said] = problems(tmp_path, f"````py\nx\n{end}\n")
    assert f"(line 3 does not: {why}" in said


def test_a_fence_in_a_fence_of_the_same_marker_is_named(tmp_path: Path) -> None:
    said = problems(tmp_path, "```md\n```py\nx\n```\n```\n")
    assert said[0] == (
        "a.md:2: a fence opens inside the fence of line 1, which the next ``` closes; "
        "close that one first, or write ```` around both"
    )


def test_a_longer_fence_around_a_shorter_one_is_right(tmp_path: Path) -> None:
    assert problems(tmp_path, "````md\n```py\nx\n```\n````\n\n~~~md\n```py\n```\n~~~\n") == []


def test_a_forgotten_end_is_found_though_a_later_fence_closes_it(tmp_path: Path) -> None:
    said = problems(tmp_path, "```py\nx\n\ntext\n\n```sh\ny\n```\n")
    assert [one.split(":")[1] for one in said] == ["6"]


def test_a_fence_without_language_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, "~~~\nx\n~~~\n") == [
        "a.md:1: the fence names no language; write ~~~text for plain text"
    ]


def test_indented_code_is_no_fence(tmp_path: Path) -> None:
    assert problems(tmp_path, "a\n\n    ```\n    x\n") == []


def test_the_command_ends_with_1_and_names_the_file(tmp_path: Path) -> None:
    tree = repository(tmp_path, {"doc/a.md": "```py\n", "ok.md": "```py\n```\n", "not.txt": "```\n"})
    code, lines = hook(tree, "fences")
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith("doc/a.md:1: the fence ``` is not closed")
    assert hook(tree, "fences", "--", "ok.md") == (0, [])
    assert hook(tree / "doc", "fences", "../ok.md") == (0, [])
