"""The capability matrix as canonical JSON: the same content as the Markdown report, nothing left out."""

from __future__ import annotations

from typing import Any

from codex_audit.artifacts import ProbeAnswer
from codex_audit.reports.model import (
    ReportInput,
    Section,
    all_answers,
    omissions,
    sections,
    status_counts,
    verdict_counts,
    worst,
)
from codex_audit.reports.security import document
from codex_evidence.canonical import canonical_bytes
from codex_evidence.plain import to_plain

SCHEMA = "codex-audit/capability_matrix/v1"


def write(inputs: ReportInput) -> bytes:
    """The report as RFC 8785 bytes that follow ``capability_matrix.schema.json``."""
    parts = sections(inputs)
    return canonical_bytes(
        {
            "schema": SCHEMA,
            "version": inputs.version,
            "project": inputs.facets.project,
            "tree": _tree(inputs),
            "threshold": inputs.scored.threshold,
            "weights": inputs.scored.weights,
            "score": inputs.scored.score,
            "low": inputs.scored.low,
            "high": inputs.scored.high,
            "statuses": status_counts(parts),
            "verdicts": verdict_counts(all_answers(parts)),
            "worst": [part.score.id for part in worst(parts)],
            "capabilities": [_capability(part, inputs) for part in parts],
            "security": document(inputs.scan),
            "runs": to_plain(inputs.runs),
            "omissions": to_plain(omissions(inputs)),
        }
    )


def _tree(inputs: ReportInput) -> dict[str, Any]:
    return {
        "sha256": inputs.index.tree_sha256,
        "files": len(inputs.index.files),
        "skimmed": len(inputs.facets.groups.get("skimmed", ())),
        "view": inputs.index.view,
        "notes": list(inputs.index.notes),
        "excluded": list(inputs.index.excluded),
        "grammar": inputs.facets.grammar,
        "has_code": inputs.raw.has_code,
    }


def _capability(part: Section, inputs: ReportInput) -> dict[str, Any]:
    score = part.score
    return {
        "id": score.id,
        "title": score.title,
        "status": score.status,
        "score": score.score,
        "low": score.low,
        "high": score.high,
        "below": part.below,
        "components": to_plain(score.components),
        "arithmetic": score.arithmetic,
        "probes": [_probe(answer, inputs) for answer in part.answers.probes],
        "gaps": list(part.gap.reasons),
        "risks": list(part.gap.risks),
        "patch_plan": to_plain(part.gap.patch_plan),
        "rollback": list(part.gap.rollback),
    }


def _probe(answer: ProbeAnswer, inputs: ReportInput) -> dict[str, Any]:
    return {"ask": inputs.words[answer.id].ask, "counted": answer.counted, **to_plain(answer)}
