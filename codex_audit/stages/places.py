"""Where an audit lies under its output folder. Paths are relative to that folder, with ``/``."""

from __future__ import annotations

import re

ARTIFACTS_FOLDER = "audit_artifacts"
REPORTS_FOLDER = "reports"

ARTIFACTS = ("context_index", "facets", "capabilities_raw", "capabilities_scored", "gaps")
"""The chained artifacts, each named for its schema, one a stage from S1 on."""

MANIFEST = "audit_artifacts/audit_run_manifest.json"
RECORD = "audit_artifacts/audit_run_record.json"
MARKER = "audit_artifacts/.run_in_progress.json"
BASELINE = "audit_artifacts/baseline.json"
"""What the gate accepts. No run writes it, and it is no part of the audited tree."""

REPORT_SHAPE = re.compile(
    r"reports/capability_matrix_[0-9]{8}T[0-9]{6}Z\.((summary\.)?md|json|html|sarif|xml|svg|csv|txt)"
)
"""What a run may replace. No suffix of source code: whoever forges a record must not have code removed."""


def artifact_path(name: str) -> str:
    """Where the artifact ``name`` lies."""
    return f"{ARTIFACTS_FOLDER}/{name}.json"


def report_path(started: str, suffix: str) -> str:
    """Where the report with this file suffix lies, of a run that began at ``started`` (a compact time)."""
    return f"{REPORTS_FOLDER}/capability_matrix_{started}.{suffix}"


def is_report(path: object) -> bool:
    """Whether a run could have written ``path`` as a report."""
    return isinstance(path, str) and REPORT_SHAPE.fullmatch(path) is not None
