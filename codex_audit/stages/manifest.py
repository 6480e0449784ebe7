"""S7: chain what went into an audit and what came out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from codex_audit.artifacts import AuditManifest
from codex_audit.stages.inputs import Input
from codex_evidence.chain import build
from codex_evidence.digests import sha256_hex

SCHEMA = "codex-audit/audit_run_manifest/v1"


def make_manifest(
    inputs: Mapping[str, Input], artifacts: Mapping[str, bytes], reports: Mapping[str, bytes]
) -> AuditManifest:
    """The chain over ``inputs``, then ``artifacts``, then ``reports`` (each by name), in the order given."""
    chain = build(_items(inputs, artifacts, reports))
    clear = {name: value.text for name, value in inputs.items() if value.text is not None}
    return AuditManifest(SCHEMA, clear, chain, chain[-1].link)


def _items(
    inputs: Mapping[str, Input], artifacts: Mapping[str, bytes], reports: Mapping[str, bytes]
) -> Iterator[tuple[str, str, int]]:
    for name, value in inputs.items():
        yield f"input:{name}", value.sha256, value.size
    for name, data in artifacts.items():
        yield f"artifact:{name}", sha256_hex(data), len(data)
    for name, data in reports.items():
        yield f"report:{name}", sha256_hex(data), len(data)
