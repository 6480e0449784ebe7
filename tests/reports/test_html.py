"""The HTML report: whole, escaped, in order for assistive software, and the same for the same inputs."""

from __future__ import annotations

import itertools
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from codex_audit.artifacts import UnreadFile
from codex_audit.reports import html
from codex_audit.reports.escaping import visible
from codex_audit.reports.model import ReportInput, sections
from codex_audit.scanners.model import Finding
from tests.reports.hostile import ANY, HOSTILE, scan, scanned, spoiled
from tests.reports.samples import SAVED, answers, evidence, facets, report

VOID = {"br", "img", "input", "link", "meta"}
DRAWING = {"rect", "path"}


@dataclass
class Page(HTMLParser):
    """The elements of a page with their attributes, and its text; every element has to be closed in order."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in DRAWING
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag == name]

    @property
    def text(self) -> str:
        return "".join(self.words)


def page(inputs: ReportInput) -> Page:
    made = Page()
    made.feed(html.write(inputs).decode())
    made.close()
    assert made.open == []
    return made


def shown(inputs: ReportInput) -> str:
    """The text of the page, with a blank between any two elements."""
    return " ".join(" ".join(page(inputs).words).split())


def shape(made: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(attributes)) for tag, attributes in made.elements]


@settings(max_examples=10)
@given(ANY)
def test_hostile_words_change_nothing_but_words(text: str) -> None:
    source = html.write(spoiled(text)).decode()
    made = page(spoiled(text))
    # Whether there are words at all decides whether some elements are there, so compare with words of its kind.
    assert shape(made) == shape(page(spoiled("word" if visible(text).strip() else text)))
    assert not re.search(r"<\s*/?\s*script|javascript:", source, re.IGNORECASE)
    assert not made.comments
    assert visible(text) in made.text
    assert not {name for _, attributes in made.elements for name in attributes if name.startswith("on")}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_or_reordering_character_reaches_the_page(text: str) -> None:
    assert not set(html.write(spoiled(text)).decode()) & set("\r\t\x00\x1b\x9b\u202e\u2066\u200b")


def test_the_page_asks_for_no_other_file_and_runs_nothing() -> None:
    made = page(spoiled("https://evil.example/x.png"))
    tags = {tag for tag, _ in made.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "use", "image"}
    assert not {"src", "srcset", "style", "xlink:href"} & {
        name for _, found in made.elements for name in found
    }
    source = html.write(report()).decode()
    styles = source.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles
    digest = b64encode(sha256(styles.encode()).digest()).decode()
    (policy,) = (one["content"] for one in made.all("meta") if "http-equiv" in one)
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_every_link_within_the_page_leads_somewhere_and_no_id_stands_twice() -> None:
    made = page(report())
    ids = [attributes["id"] for _, attributes in made.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in made.all("a") if one["href"].startswith("#")]
    assert len(links) > 15
    assert {link.removeprefix("#") for link in links} <= set(ids)
    named = {name for _, found in made.elements for name in found.get("aria-labelledby", "").split()}
    assert named <= set(ids)


def test_headings_go_down_one_at_a_time_and_landmarks_are_there_once() -> None:
    made = page(report())
    levels = [int(tag[1]) for tag, _ in made.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(made.all(landmark)) == 1
    assert made.all("html") == [{"lang": "en"}]


def test_scores_evidence_gaps_and_how_to_verify_are_readable() -> None:
    text = shown(report())
    for words in (
        "Score 0.26",
        "Below the threshold of 0.70 2 of 2",
        "pkg/run.py:3 in save : calls torch.save (called, library) torch.save(state, path)",
        "pkg/run.py:9 in save : stub: save has no body",
        "Without saving.optimizer a run is lost.",
        "Save it. Turns saving.optimizer ; minutes; +0.24 once tested and documented. touches pkg/run.py",
        "Remove saving.optimizer.",
        "pkg/odd.py:4 : python: invalid syntax",
        "codex-audit verify DIR --tree PATH --expect-head DIGEST",
        "b" * 64,
        "Not scanned",
        "None: the tree holds no run folder.",
    ):
        assert words in text, words


def test_the_worst_gap_comes_first_and_a_capability_without_one_last() -> None:
    made = html.by_need(sections(report()))
    assert [part.score.id for part in made] == ["reading", "saving"]


def test_what_scanners_found_and_what_runs_gave_is_shown_when_it_is_there() -> None:
    text = shown(spoiled("word"))
    assert "bandit (bandit 1.8): done, word; findings that count: 1 info, 1 set aside" in text
    assert "licences (licences not installed): missing, word; findings that count: missing" in text
    assert "high bandit B1word word:3 word Set aside at word until 2027-01-02: word" in text
    assert "info bandit LIC the tree word" in text
    assert "word word 3 1.2500 word" in text
    assert text.index("info bandit LIC") < text.index("high bandit B1word"), "what counts stands first"


def test_findings_beyond_the_first_are_counted() -> None:
    many = scanned("bandit", "done", "word", (Finding("B1", "low", "low", "a.py", 1, "same"),) * 250)
    text = shown(replace(report(), scan=replace(scan("word"), reports=(many,))))
    assert text.count("low bandit B1 a.py:1 same") == 200
    assert "and 50 more of bandit, in the SARIF report" in text


def test_many_unread_files_are_counted_where_they_are_not_listed() -> None:
    unread = tuple(UnreadFile(f"pkg/{n}.py", "python", 1, "invalid syntax") for n in range(60))
    text = page(report(facts=facets("pkg/run.py", unread=unread))).text
    assert text.count("invalid syntax") == 50
    assert "and 10 more, in the JSON report" in text


def test_evidence_beyond_the_best_is_counted() -> None:
    item = replace(SAVED.probes[0], evidence=(evidence(),), places=7)
    assert "The best 1 of 7 places." in page(report(answers(item, *SAVED.probes[1:]))).text


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert html.write(report()) == html.write(report())
