"""The two smallest reports: a Markdown summary of a job and a badge."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from codex_audit.reports import badge, summary
from codex_audit.reports.model import ReportInput
from tests.reports.hostile import ANY, spoiled
from tests.reports.samples import report

SVG = "{http://www.w3.org/2000/svg}"


def kinds(inputs: ReportInput) -> list[tuple[str, str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(summary.write(inputs).decode())
    inline = [child.type for token in tokens for child in token.children or () if child.type != "text"]
    assert not {"html_block", "code_block"} & {token.type for token in tokens}
    assert not {"html_inline", "link_open", "image"} & set(inline)
    return [(token.type, token.tag) for token in tokens]


def test_a_summary_has_the_score_a_row_a_capability_and_the_cheapest_steps() -> None:
    text = summary.write(report()).decode()
    assert (
        "**0.26** (between 0.23 and 0.34): the mean of 2 capabilities. 2 below the threshold of 0.70" in text
    )
    assert "| gap | Saving | partial | 0.53 | 3 |" in text
    assert "1. `reading.split`: Add reading.split. (hours, +1.00, `pkg/added.py`)" in text
    assert text.endswith("Security: not scanned.\n")
    assert len(text) < 1000


@settings(max_examples=40)
@given(ANY.filter(str.isprintable).filter(str.strip))
def test_hostile_words_change_nothing_but_words(text: str) -> None:
    assert kinds(spoiled(text)) == kinds(spoiled("word"))


def drawn(inputs: ReportInput) -> ElementTree.Element:
    return ElementTree.fromstring(badge.write(inputs))  # noqa: S314 - made by this package


def test_a_badge_says_the_score_in_words_and_in_its_colour() -> None:
    root = drawn(report())
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == "capabilities: 0.26"
    assert [one.text for one in root.iter(f"{SVG}text")] == ["capabilities", "0.26"]
    assert root.find(f"{SVG}rect").get("fill") == badge.POOR  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("score", "colour"), [(0.0, badge.POOR), (0.34, badge.POOR), (0.35, badge.FAIR), (0.7, badge.GOOD)]
)
def test_the_colour_follows_the_threshold(score: float, colour: str) -> None:
    assert badge.colour(score, 0.7) == colour
    made = report()
    shown = drawn(replace(made, scored=replace(made.scored, score=score)))
    assert shown.find(f"{SVG}rect").get("fill") == colour  # type: ignore[union-attr]


@pytest.mark.parametrize("colour", [badge.GOOD, badge.FAIR, badge.POOR, "#3c4043"])
def test_white_text_can_be_read_on_every_colour(colour: str) -> None:
    channels = [int(part, 16) / 255 for part in re.findall("..", colour[1:])]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5
