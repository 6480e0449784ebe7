"""Run folders: the frozen types of their files, and whether a folder is what they say."""

from __future__ import annotations

from codex_evidence.checkpoint_manifest import CheckpointFile, CheckpointManifest
from codex_evidence.run_documents import (
    CheckpointEntry,
    FileDigest,
    Finding,
    FormerSegment,
    LinesSummary,
    ParentRecord,
    RunIndex,
    RunManifest,
    StepsSummary,
    class_digest,
    genesis,
    read_index,
    read_manifest,
)
from codex_evidence.run_verify import RunReport, examine_run, is_run, verify_run

__all__ = [
    "CheckpointEntry",
    "CheckpointFile",
    "CheckpointManifest",
    "FileDigest",
    "Finding",
    "FormerSegment",
    "LinesSummary",
    "ParentRecord",
    "RunIndex",
    "RunManifest",
    "RunReport",
    "StepsSummary",
    "class_digest",
    "examine_run",
    "genesis",
    "is_run",
    "read_index",
    "read_manifest",
    "verify_run",
]
