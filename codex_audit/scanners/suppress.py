"""What does not count, and why: marks in the scanned files, and the settings.

A mark is ``codex: allow RULE until 2027-01-31 because REASON`` in a comment, on the line of the finding or alone on the
line above it. Nothing is taken away: a suppressed finding stays, with the reason beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from codex_audit.artifacts import FileEntry
from codex_audit.facts.secrets import redact
from codex_audit.listing.exclude import excluder
from codex_audit.scanners.model import Finding, Suppression
from codex_audit.scanners.rules import SuppressRule
from codex_audit.scanners.subject import LARGEST, Subject

_MARK = re.compile(r"(?:#|//|--|;|<!--|/\*|%)\s*codex:\s*allow\b(?P<rest>.*)")
_REST = re.compile(
    r"\s+(?P<rule>[A-Za-z0-9][\w.-]*)\s+until\s+(?P<day>\d{4}-\d\d-\d\d)\s+because\s+(?P<reason>\S.*?)\s*(?:-->|\*/)?\s*",
    re.ASCII,
)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class _Mark:
    rule: str
    reason: str
    expires: str
    line: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """Findings with their suppressions, and what is wrong with marks near them."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def suppressed(findings: Sequence[Finding], subject: Subject, rules: Sequence[SuppressRule]) -> Marked:
    """``findings`` in order of path, line and rule, each with the suppression that holds longest. Only files with
    findings are read."""
    entries = {entry.path: entry for entry in subject.texts()}
    marks: dict[str, tuple[_Mark, ...]] = {}
    notes: list[str] = []
    for path in sorted({finding.path for finding in findings if finding.path in entries}):
        marks[path], wrong = _marks(entries[path], subject.read)
        notes += wrong
    matches = [(rule, excluder((rule.path,))) for rule in rules]
    kept = (
        replace(finding, suppression=_longest(finding, marks.get(finding.path, ()), matches))
        for finding in findings
    )
    return Marked(tuple(sorted(kept, key=_order)), tuple(notes))


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.path, finding.line, finding.rule, finding.message


def _longest(
    finding: Finding,
    marks: Iterable[_Mark],
    matches: Iterable[tuple[SuppressRule, Callable[[bytes], bool]]],
) -> Suppression | None:
    """The suppression without an end, else the one with the latest; the marks of the tool itself come first."""
    found = [] if finding.suppression is None else [finding.suppression]
    found += [
        Suppression("inline", mark.reason, f"{finding.path}:{mark.line}", mark.expires)
        for mark in marks
        if mark.rule.lower() == finding.rule.lower()
        and (mark.line == finding.line or (mark.alone and mark.line == finding.line - 1))
    ]
    found += [
        Suppression("workflow", rule.reason, rule.place, rule.expires)
        for rule, matching in matches
        if rule.rule.lower() == finding.rule.lower()
        and matching(finding.path.encode("utf-8", "surrogateescape"))
    ]
    return max(found, key=lambda one: one.expires or "9999-12-32", default=None)


def _marks(entry: FileEntry, read: Callable[[FileEntry], bytes]) -> tuple[tuple[_Mark, ...], list[str]]:
    data = read(entry) if entry.size <= LARGEST else b""
    found: list[_Mark] = []
    wrong: list[str] = []
    for number, line in _lines(data):
        match = _MARK.search(line)
        if match is None:
            continue
        mark = _mark(match["rest"], number, alone=not line[: match.start()].strip())
        if mark is None:
            what = "write: codex: allow RULE until 2027-01-31 because REASON"
            wrong.append(f"{entry.path}:{number}: this mark suppresses nothing; {what}")
        else:
            found.append(mark)
    return tuple(found), wrong


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    if b"codex:" not in data:
        return
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if "codex:" in line:
            yield number, line


def _mark(rest: str, line: int, *, alone: bool) -> _Mark | None:
    match = _REST.fullmatch(rest)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        return None
    return _Mark(match["rule"], redact(match["reason"])[:_LONGEST], day.isoformat(), line, alone)
