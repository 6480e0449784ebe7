"""S6 renders the formats that are asked for, from artifacts alone."""

from __future__ import annotations

import pytest

from codex_audit.reports.formats import FORMATS
from codex_audit.stages.places import is_report, report_path
from codex_audit.stages.render import render_reports
from codex_evidence.errors import UsageError
from tests.reports.samples import report


def test_only_the_formats_asked_for_are_rendered_in_the_order_of_the_table() -> None:
    inputs = report()
    assert list(render_reports(inputs, ("json", "markdown"))) == ["markdown", "json"]
    assert list(render_reports(inputs, ("json",))) == ["json"]


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'pdf'; there are markdown, json, html, sarif"):
        render_reports(report(), ("pdf",))


def test_the_same_artifacts_give_the_same_bytes() -> None:
    names = [row.name for row in FORMATS]
    assert render_reports(report(), names) == render_reports(report(), names)


def test_no_two_formats_share_a_name_or_a_file() -> None:
    assert len({row.name for row in FORMATS}) == len({row.suffix for row in FORMATS}) == len(FORMATS)


def test_every_format_is_named_as_a_run_may_replace_it() -> None:
    assert all(is_report(report_path("20260102T030405Z", row.suffix)) for row in FORMATS)
    assert not is_report("reports/capability_matrix_20260102T030405Z.summary.html")
