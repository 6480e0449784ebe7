"""The two reports of an audit: one for people, one for programs, with the same content."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from codex_audit.artifacts import CapabilityAnswers, TrainingRun, UnreadFile
from codex_audit.reports import markdown, matrix
from codex_audit.reports.model import ReportInput
from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import SchemaError
from codex_evidence.schemas import validate
from tests.reports.hostile import scan
from tests.reports.samples import SAVED, answer, answers, entry, evidence, facets, index, overruled, report

GOLDEN = Path(__file__).with_name("golden_report.md")
SECTIONS = (
    "Existing artifacts",
    "Not found",
    "Gaps",
    "Risks",
    "Minimal patch plan",
    "Rollback plan",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "[click](https://evil.example)",
    "![pixel](http://evil.example/p.png)",
    "a | b | c \\| d",
    "``` fence ````",
    "line\n\n# heading\r\n| x | y |",
    "\x1b[31mred\x1b[0m \u202e reversed",
    "</details><!-- comment",
    "1. item\n- item",
    "&lt;b&gt; &#x3c;i>",
    "<https://evil.example> https://evil.example",
    "{{ 7 * 7 }} {% raw %}",
)


def said(inputs: ReportInput) -> str:
    return markdown.write(inputs).decode()


def read(source: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(source)


def spoiled(text: str) -> ReportInput:
    """The sample report with ``text`` wherever a tree can put words."""
    place = evidence(f"pkg/{text}.py", excerpt=text, why=text)
    saved: CapabilityAnswers = answers(
        answer("saving.weights", "yes", place, reason=text),
        answer("saving.optimizer", "no", near=(place,), reason=text),
        overruled(answer("saving.digest", "unknown", reason=text), "yes", reason=text),
        replace(answer("saving.tests", "not_applicable", reason=text), looked_for=(text,)),
    )
    tree = index("pkg/__init__.py", f"pkg/{text}.py")
    odd = replace(entry(f"odd {text}"), note=text)
    tree = replace(tree, view="walk", notes=(text,), excluded=(text,), files=(*tree.files, odd))
    facts = facets(f"pkg/{text}.py", project=text, unread=(UnreadFile(text, "python", 1, text),))
    made = report(saved, tree=tree, facts=facts, title=text)
    return replace(made, scan=scan(text), runs=(TrainingRun(text, "open", 3, 1.25, text),))


def test_the_small_report_is_the_golden_one() -> None:
    assert said(report()) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_a_hostile_tree_change_nothing_but_words(text: str) -> None:
    hostile, harmless = read(said(spoiled(text))), read(said(spoiled("word")))
    assert [(t.type, t.tag, t.markup) for t in hostile] == [(t.type, t.tag, t.markup) for t in harmless]
    kinds = {child.type for token in hostile for child in token.children or []}
    assert not kinds & {"html_inline", "link_open", "image", "s_open"}
    assert not {"html_block", "fence", "code_block"} & {token.type for token in hostile}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_or_reordering_character_reaches_the_report(text: str) -> None:
    assert not set(said(spoiled(text))) & set("\r\t\x1b\u202e")


def test_every_capability_has_the_sections_that_readers_know() -> None:
    headings = [
        tokens.content
        for mark, tokens in zip(read(said(report())), read(said(report()))[1:], strict=False)
        if mark.type == "heading_open" and mark.tag == "h3"
    ]
    assert tuple(headings) == SECTIONS * 2


def test_every_yes_cites_its_line_or_says_that_it_holds_by_absence() -> None:
    saved = answers(
        answer("saving.weights", "yes", evidence("pkg/a.py", 12), evidence("pkg/b.py", 7)),
        answer("saving.optimizer", "yes", reason="no optimizer is dropped"),
        *SAVED.probes[2:],
    )
    source = said(report(saved))
    assert "`pkg/a.py:12`" in source
    assert "`pkg/b.py:7`" in source
    assert "  - By absence: no optimizer is dropped\n  - Looked for `torch.save`\n" in source


def test_a_short_summary_names_the_score_its_bounds_the_worst_gap_and_the_unknown() -> None:
    summary = said(report()).partition("## Matrix")[0]
    assert "Score **0.26**, between 0.23 and 0.34" in summary
    assert "1 absent, 1 partial." in summary
    assert summary.index("`reading` 0.00") < summary.index("`saving` 0.53")
    assert "`saving.digest`: pkg/odd.py could not be read" in summary


def test_the_matrix_has_a_row_a_capability_with_its_first_evidence() -> None:
    rows = [line for line in said(report()).splitlines() if line.startswith(("| `saving`", "| `reading`"))]
    assert rows == [
        "| `saving` | partial | 0.53 | 0.45 to 0.68 | 1 | 2 | 1 | `pkg/run.py:3` |",
        "| `reading` | absent | 0.00 | 0.00 to 0.00 | 0 | 1 | 0 | none |",
    ]


def test_many_unread_files_are_counted_where_they_are_not_listed() -> None:
    unread = tuple(UnreadFile(f"pkg/{n}.py", "python", 1, "invalid syntax") for n in range(60))
    source = said(report(facts=facets("pkg/run.py", unread=unread)))
    assert source.count("invalid syntax") == 50
    assert "and 10 more, in the JSON report" in source


def test_an_overruled_verdict_shows_by_which_line_and_what_the_audit_itself_found() -> None:
    saved = answers(
        overruled(SAVED.probes[0], "no", "only a demo"),
        *SAVED.probes[1:3],
        overruled(SAVED.probes[3], "yes", "tested elsewhere"),
    )
    source = said(report(saved))
    summary, _, rest = source.partition("## Matrix")
    assert "`saving.weights` yes, overruled to no at `workflow.yaml:4`, counts as no: only a demo" in summary
    assert "`saving.tests` no, overruled to yes at `workflow.yaml:4`, counts as unknown: tested" in summary
    assert "- Answers: 0 yes, 3 no, 2 unknown" in summary
    not_found = rest.partition("### Not found")[2].partition("### Gaps")[0]
    assert "no. Overruled to no at `workflow.yaml:4`: only a demo" in not_found
    assert "- The audit itself found yes: it is yes\n  - Found `pkg/run.py:3`" in not_found
    value = json.loads(matrix.write(report(saved)))
    validate(value, "capability_matrix")
    probes = {item["id"]: item for part in value["capabilities"] for item in part["probes"]}
    assert (probes["saving.weights"]["verdict"], probes["saving.weights"]["counted"]) == ("yes", "no")
    assert probes["saving.tests"]["overruled"]["line"] == 4
    assert probes["saving.tests"]["counted"] == "unknown"


def test_the_json_twin_follows_its_schema_and_is_canonical() -> None:
    names = [text for text in HOSTILE if "//" not in text]
    for inputs in (report(), *map(spoiled, names)):
        data = matrix.write(inputs)
        value = json.loads(data)
        validate(value, "capability_matrix")
        assert canonical_bytes(value) == data


def test_the_json_twin_leaves_nothing_out() -> None:
    value: dict[str, Any] = json.loads(matrix.write(report()))
    first = value["capabilities"][0]
    assert [item["id"] for item in first["probes"]] == [item.id for item in SAVED.probes]
    assert first["probes"][0]["evidence"][0]["line"] == 3
    assert first["probes"][1]["near"][0]["why"] == "stub: save has no body"
    assert {step["probe"] for step in first["patch_plan"]} == {"saving.optimizer", "saving.tests"}
    assert value["statuses"]["partial"] == value["statuses"]["absent"] == 1
    assert value["worst"] == ["reading", "saving"]
    assert value["omissions"] == [{"path": "pkg/odd.py", "line": 4, "reason": "python: invalid syntax"}]


def test_a_field_that_the_schema_does_not_know_is_refused() -> None:
    value = json.loads(matrix.write(report()))
    value["capabilities"][0]["grade"] = "A"
    with pytest.raises(SchemaError, match="/capabilities/0"):
        validate(value, "capability_matrix")


def test_both_say_what_scanners_found_or_that_nobody_scanned() -> None:
    made = spoiled("word")
    value = json.loads(matrix.write(made))
    assert value["runs"] == [{"path": "word", "state": "open", "steps": 3, "loss": 1.25, "checked": "word"}]
    assert [(one["rule"], one["severity"]) for one in value["security"]["findings"]] == [("LIC", "info")]
    assert {
        one["scanner"]: (one["findings"], one["suppressed"]) for one in value["security"]["scanners"]
    } == {
        "bandit": (1, 1),
        "licences": (0, 0),
    }
    assert "| bandit | `bandit 1.8` | done: word | 1 info, 1 set aside |" in said(made)
    assert json.loads(matrix.write(report()))["security"] is None
    assert "Not scanned: no scan fits this tree." in said(report())
