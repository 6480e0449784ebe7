"""JUnit XML: read by a parser, counted right, and built as Jenkins' junit-10.xsd wants it."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hypothesis import given, settings

from codex_audit.reports import junit
from codex_audit.reports.escaping import visible
from codex_audit.reports.model import ReportInput
from tests.reports.hostile import ANY, spoiled
from tests.reports.samples import report

# What junit-10.xsd says of each element: its attributes (those in REQUIRED must be there) and its children.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": set(
        "name tests failures errors group time skipped timestamp hostname id package file log url".split()
    ),
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "properties": set(),
    "property": {"name", "value"},
    "system-out": set(),
    "system-err": set(),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "property": {"name", "value"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "properties": {"property"},
}


def check(element: Element) -> None:
    assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
    assert REQUIRED.get(element.tag, set()) <= set(element.attrib), element.tag
    assert {child.tag for child in element} <= CHILDREN.get(element.tag, set()), element.tag
    for child in element:
        check(child)


def read(inputs: ReportInput) -> Element:
    root = ElementTree.fromstring(junit.write(inputs))  # noqa: S314 - made by this package
    check(root)
    return root


def test_a_suite_a_capability_and_a_case_a_probe() -> None:
    root = read(report())
    assert [suite.get("name") for suite in root] == ["saving", "reading"]
    kinds = {
        str(case.get("name")).partition(":")[0]: [child.tag for child in case]
        for suite in root
        for case in suite.iter("testcase")
    }
    assert kinds == {
        "saving.weights": ["system-out"],
        "saving.optimizer": ["failure"],
        "saving.digest": ["skipped"],
        "saving.tests": ["failure"],
        "reading.split": ["failure"],
    }


def test_the_counts_are_those_of_the_cases() -> None:
    root = read(report())
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "3", "0")


def test_a_failure_names_the_nearest_place_the_risk_and_the_remedy() -> None:
    failure = read(report()).find(".//failure")
    assert failure is not None
    lines = str(failure.text).splitlines()
    assert lines[0] == "Near: pkg/run.py:9: stub: save has no body"
    assert lines[1:3] == ["Risk: Without saving.optimizer a run is lost.", "Remedy (minutes): Save it."]


@settings(max_examples=40)
@given(ANY)
def test_hostile_words_parse_and_stay_words(text: str) -> None:
    root = read(spoiled(text))
    shown = visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    said = [one.get("message", "") for one in root.iter("failure")]
    assert any(shown.strip() in message or shown.strip()[1:] in message for message in said)
    assert [element.tag for element in root.iter()] == [
        element.tag for element in read(spoiled("word")).iter()
    ]
