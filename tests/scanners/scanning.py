"""Trees with planted faults, and the real command on them. Credentials are put together here, so that no file of this
repository holds one."""

from __future__ import annotations

import json
import random
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from codex_audit.main import main
from codex_audit.scanners.model import Finding, ScannerReport, ScanResults
from codex_audit.scanners.read import scan_results


def letters(count: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=count))  # noqa: S311 - the same letters each time


CAPITALS, DIGITS, HEX = string.ascii_uppercase + "234567", "987654321", "0123456789abcdef"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE" + f" KEY-----\n{letters(64)}\n-----END RSA PRIVATE" + " KEY-----"
# By the rule that finds it: the line of code, and the part that nobody may ever see again.
SECRETS = {
    "aws-access-key": ("AK" + "IA" + letters(16, CAPITALS)),
    "github-token": "gh" + "p_" + letters(36),
    "gitlab-token": "gl" + "pat-" + letters(20),
    "slack-token": "xo" + "xb-" + letters(12, DIGITS) + "-" + letters(12, DIGITS, 8) + "-" + letters(24),
    "stripe-access-key": "sk" + "_live_" + letters(24),
    "sendgrid-api-key": "SG" + "." + letters(22) + "." + letters(43),
    "openai-token": "sk" + "-" + letters(20) + "T3Blbk" + "FJ" + letters(20, seed=9),
    "twilio-api-key": "SK" + letters(32, HEX),
    "basic-auth-credentials": "hq7Gvx2LmP",
    "secret-keyword": "correct-horse-battery-9",
    "private-key": PRIVATE_KEY,
}


def secret_source(rule: str) -> str:
    """Python whose second line holds the secret."""
    value = SECRETS[rule]
    if rule == "basic-auth-credentials":
        return f'"""Reads."""\nurl = "https://ada:{value}@data.invalid/x"\n'
    if rule == "secret-keyword":
        return f'"""Reads."""\npassword = "{value}"\n'
    return f'"""Reads."""\nvalue = """{value}"""\n'


@dataclass(frozen=True)
class Scan:
    code: int
    out: str
    err: str
    output: Path

    @property
    def results(self) -> ScanResults:
        summary = json.loads((self.output / "audit_artifacts/security/scan.json").read_bytes())
        found = scan_results(self.output, summary["tree_sha256"])
        assert found is not None
        return found

    def report(self, scanner: str) -> ScannerReport:
        return next(report for report in self.results.reports if report.scanner == scanner)

    def found(self, scanner: str, rule: str = "") -> list[Finding]:
        return [one for one in self.report(scanner).findings if rule in ("", one.rule)]

    @property
    def files(self) -> dict[str, bytes]:
        folder = self.output / "audit_artifacts/security"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write(tree: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tree


def scan(
    tree: Path, output: Path, *options: object, capture: pytest.CaptureFixture[str] | None = None
) -> Scan:
    """``codex-audit scan`` on ``tree``, never asking the network."""
    code = main(["scan", str(tree), "--output", str(output), "--offline", *map(str, options)])
    said = capture.readouterr() if capture is not None else None
    return Scan(code, said.out if said else "", said.err if said else "", output)


def osv(package: str, identifier: str, fixed: str) -> dict[str, Any]:
    """An OSV record: every version of ``package`` before ``fixed`` is affected."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"ecosystem": "PyPI", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": identifier, "summary": "it is broken", "affected": [affected]}
