"""bandit (PyCQA): what is dangerous in Python code.

Its own configuration is never looked for: the folder that it sees holds numbered files and nothing else. It runs with
``--ignore-nosec``, and files that hold a ``nosec`` once more without: the difference is what that mark suppresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codex_audit.facts.secrets import redact
from codex_audit.scanners.by_file import Answer, FileTool, scan_files
from codex_audit.scanners.children import Command, Ended
from codex_audit.scanners.model import Confidence, Finding, Outcome, Suppression
from codex_audit.scanners.severity import Severity
from codex_audit.scanners.subject import Settings, Subject

NAME, DISTRIBUTION = "bandit", "bandit"

_SUFFIXES = (".py", ".pyw")
_SEVERITY: dict[str, Severity] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
_CONFIDENCE: dict[str, Confidence] = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
# Hard-coded passwords: the message of these rules ends with the value.
_TELLS_VALUE = frozenset({"B105", "B106", "B107"})
_LONGEST = 300
_RUNNER = Path(__file__).with_name("bandit_child.py")


def scan(subject: Subject, settings: Settings, version: str) -> Outcome:
    """Every finding of bandit in the Python files of ``subject``."""
    entries = [entry for entry in subject.texts() if entry.path.endswith(_SUFFIXES)]
    tool = FileTool(NAME, (version,), lambda path: "module.py", _command, _read)
    return scan_files(tool, entries, subject, settings)


def _command(folder: Path) -> Command:
    return Command((str(_RUNNER),), folder)


def _read(ended: Ended, folder: Path) -> Mapping[str, Answer]:
    said = json.loads(ended.output)
    everything, unmarked = said["all"], said["unmarked"]
    live = {_identity(item) for item in unmarked["results"]}
    again = frozenset(said["again"])
    found: dict[str, list[Finding]] = {}
    for item in everything["results"]:
        name = _relative(item["filename"])
        found.setdefault(name, []).append(_finding(item, name in again and _identity(item) not in live))
    broken = {_relative(item["filename"]): str(item["reason"]) for item in everything["errors"]}
    return {name: Answer(tuple(found.get(name, ())), broken.get(name, "")) for name in (*found, *broken)}


def _identity(item: Mapping[str, Any]) -> tuple[str, str, int, int]:
    return _relative(item["filename"]), item["test_id"], item["line_number"], item["col_offset"]


def _relative(name: str) -> str:
    return name.removeprefix("./")


def _finding(item: Mapping[str, Any], marked: bool) -> Finding:
    line = int(item["line_number"])
    rule = str(item["test_id"])
    mark = Suppression("tool", "marked with nosec, for which no reason is asked", "") if marked else None
    return Finding(
        rule=rule,
        severity=_SEVERITY.get(item["issue_severity"], "info"),
        confidence=_CONFIDENCE.get(item["issue_confidence"], "undefined"),
        path="",
        line=line,
        message=_message(rule, str(item["issue_text"])),
        help=str(item.get("more_info") or ""),
        suppression=mark,
    )


def _message(rule: str, text: str) -> str:
    if rule in _TELLS_VALUE:
        text = text.partition(":")[0]
    return re.sub(r"\s+", " ", redact(text)).strip()[:_LONGEST]
