"""One small artifact of every kind, with something in each of its lists."""

from __future__ import annotations

from typing import Any

import pytest

from codex_audit import artifacts as a
from codex_audit.gates import baseline
from codex_audit.scanners import model as scans
from codex_audit.scanners import withheld
from codex_audit.scanners.rules import SuppressRule
from codex_evidence import chain

DIGEST = "0123456789abcdef" * 4
PARTS = ("functionality", "consistency", "tests", "safeguards", "documentation")


def schema(name: str) -> str:
    return f"codex-audit/{name}/v1"


@pytest.fixture(scope="session")
def samples() -> dict[str, Any]:
    """Schema name to an artifact."""
    evidence = a.Evidence("src/a.py", 3, "torch.save(x)", "saves", "library", "called", "torch.save", "f")
    ruled = a.Overruling("no", "nobody runs it", "workflow.yaml", 3, "2027-06-30")
    answer = a.ProbeAnswer(
        "checkpointing.save",
        "yes",
        "it does",
        (evidence,),
        ("torch.save",),
        (evidence,),
        7,
        "saves with torch.save",
        ("no, were this place gone",),
        ruled,
    )
    component = a.ComponentScore(None, 0, 0.5, 0.2, 0.1, "1 of 2")
    score = a.CapabilityScore(
        "checkpointing",
        "Checkpointing",
        "partial",
        0.5,
        0.25,
        1,
        dict.fromkeys(PARTS, component),
        "0.5 = 0.5",
    )
    step = a.PatchStep("checkpointing.save", "Save the state.", "hours", ("src/a.py",), ("src/b.py",), 0.25)
    support = a.Support(("src/a.py",), ("checkpointing.save",))
    rule = SuppressRule("B307", "src/*.py", "reviewed", "2027-06-30", "workflow.yaml", 3)
    finding = scans.Finding(
        "B307", "high", "medium", "src/a.py", 3, "eval", "do not", DIGEST,
        scans.Suppression("workflow", "reviewed", "workflow.yaml:3", "2027-06-30"), (a.Span(3, 7, 11),),
    )  # fmt: skip
    links = chain.build([("input:tree", DIGEST, 5), ("artifact:gaps", DIGEST, 7)])
    files = (
        a.FileEntry("src/a.py", "utf-8", "file", "100644", 7, DIGEST, binary=False),
        a.FileEntry("src/caf%E9", "percent", "fifo", "010644", 0, "", binary=False, note="a fifo"),
    )
    return {
        "context_index": a.ContextIndex(
            schema("context_index"), "walk", ("no git",), ("reports/",), files, DIGEST
        ),
        "facets": a.Facets(
            schema("facets"),
            "3.11",
            "demo",
            {"package": ("src/a.py",), "test": ()},
            (a.UnreadFile("src/b.py", "python", 0, "too deep"),),
        ),
        "capabilities_raw": a.CapabilitiesRaw(
            schema("capabilities_raw"),
            has_code=True,
            capabilities=(a.CapabilityAnswers("checkpointing", "Checkpointing", (answer,), support),),
        ),
        "capabilities_scored": a.CapabilitiesScored(
            schema("capabilities_scored"), dict.fromkeys(PARTS, 0.2), 0.7, 0.5, 0.25, 1, (score,)
        ),
        "gaps": a.Gaps(
            schema("gaps"),
            0.7,
            ("checkpointing",),
            (a.Gap("checkpointing", "Checkpointing", "partial", 0.5, ("x",), ("y",), (step,), ("z",)),),
        ),
        "audit_run_manifest": a.AuditManifest(
            schema("audit_run_manifest"), {"python_grammar": "3.11"}, links, chain.head(links)
        ),
        "audit_run_record": a.RunRecord(
            schema("audit_run_record"),
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:06.25Z",
            "host",
            "Linux, CPython 3.11",
            "",
            {"S1": 0.25},
            {"report:markdown": "reports/capability_matrix_20260102T030405Z.md"},
        ),
        "gate_baseline": baseline.Baseline(
            schema("gate_baseline"),
            "1.0",
            DIGEST,
            ("checkpointing.save",),
            (baseline.Accepted("checkpointing.save", "f", "torch.save(x)", "src/a.py", DIGEST),),
        ),
        "scan": scans.ScanSummary(
            schema("scan"),
            "1.0",
            DIGEST,
            (scans.ScannerLine("bandit", "bandit", "1.9", "done", "", 1, 1, {"bandit.json": DIGEST}),),
            (rule,),
            ("a mark without a reason",),
        ),
        "scanner_report": scans.ScannerReport(
            schema("scanner_report"),
            "bandit",
            "bandit",
            "1.9",
            DIGEST,
            "partial",
            "one file",
            "",
            (finding,),
            (scans.Unscanned("src/b.py", "too deep"),),
            (scans.Package("torch", "2.13", "BSD-3-Clause"),),
        ),
        "withheld": withheld.Withheld(
            schema("withheld"),
            (
                withheld.WithheldFile(
                    "src/a.py",
                    DIGEST,
                    (
                        withheld.WithheldLine(
                            50,
                            4,
                            DIGEST,
                            "",
                            DIGEST,
                            (withheld.WithheldPlace("hex string", a.Span(3, 5, 45), 5),),
                        ),
                    ),
                ),
            ),
            (DIGEST,),
        ),
        "run_in_progress": a.RunInProgress(
            schema("run_in_progress"), "2026-01-02T03:04:05Z", ("audit_artifacts/gaps.json",)
        ),
    }
