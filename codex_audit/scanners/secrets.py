"""detect-secrets (Yelp), and what the readers of facts know beside it: credentials that lie in the tree. Kind and place
come back, never a value.

Its plugins and filters are named here, so that nothing of the tree can bring others along, and what it finds is never
tried out against a service. The values stay in the child, which gives a keyed digest where the user has a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from codex_audit.artifacts import Span
from codex_audit.scanners.by_file import Answer, FileTool, plain_name, scan_files
from codex_audit.scanners.children import Command, Ended
from codex_audit.scanners.model import Confidence, Finding, Outcome, Suppression, Unscanned
from codex_audit.scanners.severity import Severity
from codex_audit.scanners.subject import Settings, Subject
from codex_evidence.errors import CodexError
from codex_evidence.strict_json import loads

NAME, DISTRIBUTION = "secrets", "detect-secrets"
BASELINE = ".secrets.baseline"
PUBLIC_ADDRESS = "public-ip-ipv4"
"""The one rule whose finds are no credentials."""

_RUNNER = Path(__file__).with_name("secrets_child.py")
_FORMS = tuple(
    Path(__file__).parent.parent / "facts" / name for name in ("secret_kinds.py", "secrets.py", "hidden.py")
)
_HELP = "https://github.com/Yelp/detect-secrets#readme"
_GUESSES: dict[str, tuple[Severity, Confidence]] = {
    "secret-keyword": ("medium", "medium"),
    "base64-high-entropy-string": ("low", "low"),
    "hex-high-entropy-string": ("low", "low"),
    PUBLIC_ADDRESS: ("info", "low"),
    "assigned-secret": ("medium", "medium"),
}
_ALLOWED = Suppression("tool", "marked with pragma: allowlist secret, for which no reason is asked", "")
_UNJUDGED = "known in the baseline, where nobody has judged it"
JUDGED_HARMLESS = "marked as no secret in the baseline"
_Baseline = Mapping[tuple[str, str, str], str]


def scan(subject: Subject, settings: Settings, version: str) -> Outcome:
    """Every secret that detect-secrets sees in the text files of ``subject``."""
    baseline, problem = _baseline(subject)
    published = sorted({digest for _, _, digest in baseline})
    given = json.dumps({"key": settings.key.hex(), "baseline": published}, sort_keys=True)
    # The key only as a digest, which tells two keys apart; the forms of secrets are part of another room's code.
    forms = b"".join(path.read_bytes() for path in _FORMS)
    basis = (version, sha256(given.encode()).hexdigest(), sha256(forms).hexdigest())
    entries = [entry for entry in subject.texts() if entry.path.rpartition("/")[2] != BASELINE]
    tool = FileTool(
        NAME, basis, plain_name, lambda folder: Command((str(_RUNNER),), folder, given.encode()), _read
    )
    outcome = scan_files(tool, entries, subject, settings)
    unscanned = (*outcome.unscanned, *problem)
    state = "partial" if outcome.state == "done" and unscanned else outcome.state
    reason = outcome.reason or (problem[0].reason if problem else "")
    return Outcome(state, reason, tuple(_judged(one, baseline) for one in outcome.findings), unscanned)


def _baseline(subject: Subject) -> tuple[_Baseline, tuple[Unscanned, ...]]:
    """What the tree's own baseline knows: file, rule and SHA-1 of secrets, and why each does not count. One that is
    marked as real counts."""
    entry = next((entry for entry in subject.texts() if entry.path == BASELINE), None)
    if entry is None:
        return {}, ()
    try:
        document = loads(subject.read(entry))
        results = document["results"] if isinstance(document, dict) else {}
        said = {
            (str(path), _rule(str(item["type"])), str(item["hashed_secret"])): item.get("is_secret")
            for path, items in results.items()
            for item in items
        }
    except (CodexError, KeyError, TypeError, AttributeError) as error:
        return {}, (Unscanned(BASELINE, f"no baseline of detect-secrets ({type(error).__name__})"),)
    return {
        one: _UNJUDGED if real is None else JUDGED_HARMLESS for one, real in said.items() if real is not True
    }, ()


def _judged(finding: Finding, baseline: _Baseline) -> Finding:
    """``finding`` with what the baseline says of it: its file is known only now, as contents are scanned without."""
    mark = finding.suppression
    if mark is None or mark.by != "baseline":
        return finding
    reason = baseline.get((finding.path, finding.rule, mark.reason))
    return replace(finding, suppression=Suppression("baseline", reason, BASELINE) if reason else None)


def _read(ended: Ended, folder: Path) -> Mapping[str, Answer]:
    said = json.loads(ended.output)
    return {
        str(name): Answer(tuple(_finding(item) for item in items)) for name, items in said["files"].items()
    }


def _finding(item: Mapping[str, Any]) -> Finding:
    rule = _rule(str(item["type"]))
    severity, confidence = _GUESSES.get(rule, ("high", "high"))
    return Finding(
        rule=rule,
        severity=severity,
        confidence=confidence,
        path="",
        line=int(item["line"]),
        message=f"{item['type']} in the text of the file; take it out, and make it void where it was issued",
        help=_HELP,
        keyed=str(item["keyed"]),
        suppression=_mark(item),
        spans=tuple(Span(*map(int, span)) for span in item["spans"]),
    )


def _mark(item: Mapping[str, Any]) -> Suppression | None:
    """What the child says beside a secret; a digest of the baseline stands for its reason until the file is known."""
    if item["allowed"]:
        return _ALLOWED
    return Suppression("baseline", str(item["known"]), BASELINE) if item["known"] else None


def _rule(kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")
