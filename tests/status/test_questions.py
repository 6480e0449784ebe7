from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from codex_audit.status.markdown import write
from codex_audit.status.questions import COLUMNS, cells, open_rows
from tests.status.planting import CLEAN, planted, update_of

DEFAULT_LEDGER = "docs/status_update_outstanding_questions.md"
ROWS = (
    (
        "2025-09-10T05:02:28Z; 2025-09-13",
        "`nox -s tests`",
        "Coverage failed | twice.",
        "Action required",
        "No",
        "Resolved.",
    ),
    (
        "2025-09-10T05:46:52Z",
        "Phase 6: MkDocs",
        "Strict mode <b>aborts</b>.",
        "Deferred",
        "Deferred",
        "See [nav](x).",
    ),
)
LEDGER = (
    "# Outstanding questions\n\nSome words | with a pipe.\n\n| "
    + " | ".join(COLUMNS)
    + " |\n|"
    + " --- |" * 6
    + "\n"
    + "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in ROWS)
    + "\nAfter it.\n"
)


def test_every_row_is_copied_word_for_word(tmp_path: Path) -> None:
    questions = update_of(planted(tmp_path, {**CLEAN, DEFAULT_LEDGER: LEDGER})).questions
    assert (questions.columns, questions.rows) == (COLUMNS, ROWS)
    assert open_rows(questions) == 1


def test_the_workflow_names_another_ledger(tmp_path: Path) -> None:
    files = {**CLEAN, "open.md": LEDGER, "workflow.yaml": "ledger: open.md\n"}
    questions = update_of(planted(tmp_path, files)).questions
    assert (questions.place, questions.rows) == ("open.md", ROWS)


def test_markup_in_the_ledger_shows_as_it_is_written(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    text = write(update_of(planted(tmp_path, {**CLEAN, DEFAULT_LEDGER: LEDGER}))).decode()
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "Strict mode &lt;b&gt;aborts&lt;/b&gt;." in html
    assert "See [nav](x)." in html
    assert "<code>nox -s tests</code>" in html
    assert "Coverage failed | twice." in html


def test_no_ledger_and_one_without_a_table_are_said(tmp_path: Path) -> None:
    assert "is not there" in update_of(planted(tmp_path / "a", CLEAN)).questions.note
    plain = planted(tmp_path / "b", {**CLEAN, DEFAULT_LEDGER: "# Nothing\n\nyet\n"})
    assert "no table of six columns" in update_of(plain).questions.note


CELL = st.text(
    st.characters(codec="ascii", categories=("L", "N", "P", "S"), exclude_characters="\\"),
    min_size=1,
    max_size=12,
)


@given(st.lists(CELL, min_size=1, max_size=8))
def test_cells_are_what_was_written_between_pipes(parts: list[str]) -> None:
    row = "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"
    assert cells(row) == tuple(parts)
