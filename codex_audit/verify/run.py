"""Verifying the run folder of a training, as a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codex_audit.verify.verdict import Finding
from codex_evidence.run_verify import examine_run

RUN_UNSIGNED = (
    "unsigned: whoever can write the folder can recompute every digest; "
    "compare the head with one that you keep (--expect-head)"
)
RUN_EXPECTED = "unsigned: it is as trustworthy as the place where the expected head was kept"


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """The verdict on a run. ``head`` is the digest of the last segment's manifest, which vouches for all before."""

    word: Literal["INVALID", "CONSISTENT"]
    head: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    weakest_link: str
    name: str
    steps: int

    @property
    def summary(self) -> str:
        if self.word == "INVALID":
            return "the run is damaged or tampered with"
        return f"the run {self.name!a} is consistent over {self.steps} steps, unsigned"

    @property
    def exit_code(self) -> int:
        """0 consistent, 1 damaged."""
        return 0 if self.word == "CONSISTENT" else 1


def verify_run_folder(folder: Path, expected_head: str = "") -> RunVerdict:
    """The verdict on the run folder ``folder``; ``expected_head`` refuses any other head."""
    report = examine_run(folder)
    findings = tuple(Finding(one.file, one.reason) for one in report.findings)
    if expected_head and report.head and report.head != expected_head:
        findings += (Finding("run.json", f"its head is {report.head}, not the expected {expected_head}"),)
    if findings:
        return RunVerdict("INVALID", report.head, findings, report.notes, "", report.name, report.steps)
    weakest = RUN_EXPECTED if expected_head else RUN_UNSIGNED
    return RunVerdict("CONSISTENT", report.head, (), report.notes, weakest, report.name, report.steps)
