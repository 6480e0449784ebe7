"""The matrix as JUnit XML (the form of Jenkins' junit-10.xsd): a suite a capability, a test case a probe.

A probe that counts as no failed; one that is unknown or does not apply was skipped. Times are left out, as an audit
has none that two runs share.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from codex_audit.artifacts import Evidence, ProbeAnswer
from codex_audit.reports.escaping import visible
from codex_audit.reports.model import ReportInput, Section, sections
from codex_audit.reports.wording import Wording, sentence

_ILLEGAL = re.compile("[\ufffe\uffff]")
"""What XML 1.0 (2.2, Char) forbids beside the control characters and surrogates that ``visible`` shows as escapes."""


def write(inputs: ReportInput) -> bytes:
    """The report as UTF-8."""
    root = Element("testsuites", name="codex-audit")
    for part in sections(inputs):
        root.append(_suite(part, inputs))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(part: Section, inputs: ReportInput) -> Element:
    answers = part.answers.probes
    suite = Element(
        "testsuite",
        name=legal(part.score.id),
        tests=str(len(answers)),
        failures=str(len(part.having("no"))),
        errors="0",
        skipped=str(len(part.having("unknown", "not_applicable"))),
    )
    properties = SubElement(suite, "properties")
    for name, value in _figures(part):
        SubElement(properties, "property", name=name, value=value)
    for answer in answers:
        suite.append(_case(part, answer, inputs.words[answer.id]))
    return suite


def _figures(part: Section) -> tuple[tuple[str, str], ...]:
    score = part.score
    figures = (("score", score.score), ("low", score.low), ("high", score.high))
    return (("status", score.status), *((name, f"{value:.4f}") for name, value in figures))


def _case(part: Section, answer: ProbeAnswer, words: Wording) -> Element:
    case = Element("testcase", name=legal(f"{answer.id}: {words.ask}"), classname=legal(part.score.id))
    said = legal(sentence(answer.sentence))
    if answer.counted == "no":
        failure = SubElement(case, "failure", type="no", message=said)
        failure.text = "\n".join(_failed(answer, words))
    elif answer.counted == "yes":
        SubElement(case, "system-out").text = "\n".join(map(_place, answer.evidence)) or said
    else:
        SubElement(case, "skipped", type=answer.counted, message=said)
    return case


def _failed(answer: ProbeAnswer, words: Wording) -> list[str]:
    places = [f"Near: {_place(item)}" for item in (*answer.near, *answer.evidence)]
    return [
        *places,
        f"Risk: {legal(sentence(words.risk))}",
        f"Remedy ({words.effort}): {legal(sentence(words.remedy))}",
        f"To undo it: {legal(sentence(words.rollback))}",
    ]


def _place(item: Evidence) -> str:
    return legal(f"{item.path}:{item.line}: {item.why}")


def legal(value: str) -> str:
    """``value`` on one line, without a character that XML forbids."""
    return _ILLEGAL.sub(lambda match: f"\\u{ord(match[0]):04x}", visible(value))
