"""SARIF: valid by the published schema, with the right line, and with identities that survive moved lines."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator

from codex_audit.reports import sarif
from codex_audit.reports.model import ReportInput
from codex_evidence.canonical import canonical_bytes
from tests.reports.hostile import ANY, HOSTILE, spoiled
from tests.reports.samples import SAVED, answers, entry, evidence, index, overruled, report

PUBLISHED = Path(__file__).with_name("schemas") / "sarif-2.1.0-rtm.5.schema.json"
VALIDATOR = Draft4Validator(
    json.loads(PUBLISHED.read_text(encoding="utf-8")), format_checker=Draft4Validator.FORMAT_CHECKER
)


def log(inputs: ReportInput) -> dict[str, Any]:
    data = sarif.write(inputs)
    value: dict[str, Any] = json.loads(data)
    VALIDATOR.validate(value)
    assert canonical_bytes(value) == data
    return value


def results(inputs: ReportInput, run: int = 0) -> dict[str, dict[str, Any]]:
    return {one["ruleId"]: one for one in log(inputs)["runs"][run]["results"]}


def place(result: dict[str, Any]) -> tuple[str, int]:
    found = result["locations"][0]["physicalLocation"]
    return found["artifactLocation"]["uri"], found["region"]["startLine"]


def test_the_published_schema_refuses_what_is_no_sarif() -> None:
    broken = log(report())
    broken["runs"][0]["results"][0]["level"] = "bad"
    assert [list(error.absolute_path)[-1] for error in VALIDATOR.iter_errors(broken)] == ["level"]


def test_a_gap_is_a_failure_and_an_unknown_is_open() -> None:
    found = results(report())
    assert list(found) == ["saving.optimizer", "saving.digest", "saving.tests", "reading.split"]
    kinds = {name: (one["kind"], one["level"]) for name, one in found.items()}
    assert kinds.pop("saving.digest") == ("open", "none")
    assert set(kinds.values()) == {("fail", "warning")}


def test_a_result_stands_at_the_nearest_place_else_at_the_file_of_the_project() -> None:
    tree = index("a.py", "README.md", "pyproject.toml", "pkg/run.py")
    found = results(report(tree=tree))
    assert place(found["saving.optimizer"]) == ("pkg/run.py", 9)
    snippet = found["saving.optimizer"]["locations"][0]["physicalLocation"]["region"]["snippet"]
    assert snippet == {"text": "torch.save(state, path)"}
    assert place(found["saving.tests"]) == ("pyproject.toml", 1)
    assert place(results(report(tree=index("b.py", "a.py")))["saving.tests"]) == ("b.py", 1)
    assert results(report(tree=index()))["saving.tests"]["locations"] == []


def test_a_yes_that_the_user_overrules_stands_where_the_audit_found_it() -> None:
    saved = answers(overruled(SAVED.probes[0], "no", "only a demo"), *SAVED.probes[1:])
    found = results(report(saved))["saving.weights"]
    assert place(found) == ("pkg/run.py", 3)
    assert "Overruled to no at workflow.yaml:4: only a demo" in found["message"]["text"]


def test_rules_explain_themselves_and_each_result_points_to_its_own() -> None:
    run = log(report())["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]
    text = rules[0]["help"]["text"]
    for words in (
        "It matters.",
        "What does not.",
        "Risk: Without saving.optimizer",
        "(minutes): Save it.",
        "undo",
    ):
        assert words in text, words


def identity(inputs: ReportInput, rule: str = "saving.optimizer") -> str:
    return str(results(inputs)[rule]["partialFingerprints"][sarif.FINGERPRINT])


def near(**changes: Any) -> ReportInput:
    item = replace(SAVED.probes[1], near=(replace(evidence(line=9), **changes),))
    return report(answers(SAVED.probes[0], item, *SAVED.probes[2:], support=SAVED.support))


def test_a_fingerprint_survives_moved_and_indented_lines_and_not_other_code() -> None:
    same = identity(near())
    assert identity(near(line=700)) == same
    assert identity(near(excerpt="torch.save(state,   path)")) == same
    assert identity(near(excerpt="torch.save(model, path)")) != same
    assert identity(near(scope="other")) != same
    assert len({identity(report(), rule) for rule in results(report())}) == 4


@settings(max_examples=40)
@given(ANY)
def test_hostile_words_stay_words(text: str) -> None:
    for run in log(spoiled(text))["runs"]:
        for one in run["results"]:
            said = one["message"]["text"]
            assert not re.search(r"[\x00-\x1f\u202e]", said)
            plain = re.sub(r"\\[\\\[\]]|\{\{|\}\}", "", said)
            assert not set(plain) & set("[]{}"), "neither a link (3.11.6) nor a placeholder (3.11.5)"
            for item in (*one["locations"], *one.get("relatedLocations", ())):
                uri = item["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})*", uri)


def test_a_name_that_is_no_utf_8_keeps_its_bytes() -> None:
    odd = replace(entry("od%FFd.py"), path_encoding="percent")
    assert sarif.uri("od%FFd.py", odd) == "od%FFd.py"
    assert sarif.uri("od%FFd.py", entry("od%FFd.py")) == "od%25FFd.py"
    assert sarif.uri("a b/é:#?.py", None) == "a%20b/%C3%A9%3A%23%3F.py"


@pytest.mark.parametrize("text", ["word", *HOSTILE[:3]])
def test_findings_of_a_scanner_are_a_run_of_their_own(text: str) -> None:
    runs = log(spoiled(text))["runs"]
    assert [run["tool"]["driver"]["name"] for run in runs] == ["codex-audit", "bandit"]
    found, whole = runs[1]["results"]
    assert (found["level"], whole["level"], whole["locations"]) == ("error", "note", [])
    assert found["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    assert found["suppressions"][0]["kind"] == "inSource"
    assert "until 2027-01-02" in found["suppressions"][0]["justification"]
    assert len(log(report())["runs"]) == 1
