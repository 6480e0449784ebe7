"""An artifact on disk is read back whole and unedited, or refused by the check that it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_audit.artifacts import Gaps
from codex_evidence.atomic import write_bytes
from codex_evidence.canonical import canonical_bytes
from codex_evidence.documents import artifact_bytes, parse_artifact, read_artifact
from codex_evidence.errors import (
    CodexError,
    ConversionError,
    DuplicateKeyError,
    NotCanonicalError,
    SchemaError,
    UnreadableError,
)
from codex_evidence.schemas import schema_for, schema_names

# The files of a run folder have tests of their own, beside what writes them.
OF_AUDITS = sorted(name for name in schema_names() if schema_for(name)["$id"].startswith("urn:codex-audit:"))


@pytest.mark.parametrize("name", sorted(set(OF_AUDITS) - {"capability_matrix"}))
def test_every_artifact_is_read_back_as_it_was_written(
    name: str, samples: dict[str, Any], tmp_path: Path
) -> None:
    write_bytes(tmp_path / "x.json", artifact_bytes(samples[name]))
    assert read_artifact(tmp_path / "x.json", name, type(samples[name])) == samples[name]


def test_no_byte_of_an_artifact_can_change_unnoticed(samples: dict[str, Any]) -> None:
    gaps = samples["gaps"]
    data = artifact_bytes(gaps)
    for index in range(len(data)):
        for byte in {data[index] ^ 1, data[index] ^ 0x20, ord(" ")} - {data[index]}:
            changed = data[:index] + bytes([byte]) + data[index + 1 :]
            try:
                read = parse_artifact(changed, "gaps", Gaps, source="gaps.json")
            except CodexError:
                continue
            assert read != gaps, f"byte {index} may be {byte:#x} as well"


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: json.dumps(json.loads(data), indent=1).encode(),
        lambda data: data.replace(b"0.7", b"0.70"),
        lambda data: data.replace(b"0.7", b"7e-1"),
        lambda data: data.replace(b"Checkpointing", b"\\u0043heckpointing"),
    ],
)
def test_the_same_value_in_other_bytes_is_refused(edit: Any, samples: dict[str, Any]) -> None:
    changed = edit(artifact_bytes(samples["gaps"]))
    assert changed != artifact_bytes(samples["gaps"])
    with pytest.raises(NotCanonicalError, match=r"^gaps\.json: not in canonical bytes"):
        parse_artifact(changed, "gaps", Gaps, source="gaps.json")


def test_each_check_speaks_for_itself(samples: dict[str, Any]) -> None:
    data = artifact_bytes(samples["gaps"])
    with pytest.raises(DuplicateKeyError, match="threshold"):
        parse_artifact(b'{"threshold":0,' + data[1:], "gaps", Gaps, source="gaps.json")
    with pytest.raises(SchemaError, match="/threshold breaks rule 'maximum'"):
        parse_artifact(data.replace(b"0.7", b"7"), "gaps", Gaps, source="gaps.json")
    with pytest.raises(SchemaError, match="/schema breaks rule 'const'"):
        parse_artifact(data.replace(b"gaps/v1", b"gaps/v2"), "gaps", Gaps, source="gaps.json")
    # Valid under its schema, but not the type that the caller wants.
    other = artifact_bytes(samples["run_in_progress"])
    with pytest.raises(ConversionError):
        parse_artifact(other, "run_in_progress", Gaps, source="x.json")


def test_a_missing_file_and_a_symlink_are_unreadable(samples: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"cannot read .*gaps\.json: No such file"):
        read_artifact(tmp_path / "gaps.json", "gaps", Gaps)
    (tmp_path / "real.json").write_bytes(artifact_bytes(samples["gaps"]))
    (tmp_path / "gaps.json").symlink_to("real.json")
    with pytest.raises(UnreadableError):
        read_artifact(tmp_path / "gaps.json", "gaps", Gaps)


def test_an_artifact_ends_without_a_newline_and_holds_no_space_between_tokens(
    samples: dict[str, Any],
) -> None:
    data = artifact_bytes(samples["run_in_progress"])
    assert data == canonical_bytes(json.loads(data))
    assert data == (
        b'{"schema":"codex-audit/run_in_progress/v1","started":"2026-01-02T03:04:05Z",'
        b'"writes":["audit_artifacts/gaps.json"]}'
    )
