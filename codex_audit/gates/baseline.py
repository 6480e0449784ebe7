"""The baseline of the ratchet: the failures that a repository has accepted, in a file that people review."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from codex_audit.gates.failures import CLEAN_TREE, Failure
from codex_audit.stages.places import BASELINE
from codex_evidence.atomic import write_bytes
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.strict_json import loads

SCHEMA = "codex-audit/gate_baseline/v1"
WRITE = "codex-audit gate --write-baseline"

_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Accepted:
    """A failure as it was when it was accepted. ``path`` is for readers: a failure that moves is the same one."""

    check: str
    symbol: str
    snippet: str
    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """``checks`` are the ids of all that was asked: a probe that was not asked then is not new now. ``scan.SCANNER``
    stands for all that a scanner may find. ``catalogue`` is the digest of the probes."""

    schema: str
    tool_version: str
    catalogue: str
    checks: tuple[str, ...]
    failures: tuple[Accepted, ...]


def baseline_of(
    failures: Iterable[Failure], checks: Iterable[str], *, tool_version: str, catalogue: str
) -> Baseline:
    """The baseline that accepts ``failures``, the same for the same failures wherever their lines are."""
    accepted = (Accepted(one.check, one.symbol, one.snippet, one.path, one.fingerprint) for one in failures)
    in_order = sorted(accepted, key=lambda one: (one.check, one.path, one.symbol, one.snippet))
    return Baseline(SCHEMA, tool_version, catalogue, tuple(sorted(checks)), tuple(in_order))


def has_baseline(tree: Path) -> bool:
    """Whether there is anything where the baseline of ``tree`` lies."""
    return os.path.lexists(tree / BASELINE)


def read_baseline(tree: Path) -> Baseline:
    """The baseline of ``tree``. Raises UsageError when there is none or it is damaged."""
    path = tree / BASELINE
    if not has_baseline(tree):
        raise UsageError(f"{shown(path)} does not exist; write it with {WRITE}, and commit it")
    try:
        # Types alone, because a validator of JSON Schema takes longer to load than the audit to be compared.
        value = loads(read_bytes(path, max_bytes=_MAX_BYTES), source=shown(path))
        baseline = from_plain(Baseline, value, source=shown(path))
    except CodexError as error:
        raise UsageError(f"{error}; write the baseline anew with {WRITE}") from error
    if baseline.schema != SCHEMA:
        raise UsageError(f"{shown(path)} is no {SCHEMA}; write the baseline anew with {WRITE}")
    for one in baseline.failures:
        if Failure(one.check, one.symbol, one.snippet, "", 0, "").fingerprint != one.fingerprint:
            raise UsageError(
                f"{shown(path)}: the fingerprint of {one.check} is not that of its snippet, so it was edited; "
                f"write the baseline anew with {WRITE}"
            )
    return replace(baseline, failures=tuple(map(_unquoted, baseline.failures)))


def _unquoted(one: Accepted) -> Accepted:
    """A secret by its kind and file. Baselines were written once that hold what was left of its line."""
    if one.check != CLEAN_TREE or not one.path:
        return one
    now = Failure(one.check, one.symbol, one.path, one.path, 0, "")
    return replace(one, snippet=one.path, fingerprint=now.fingerprint)


def write_baseline(tree: Path, baseline: Baseline) -> Path:
    """Writes the baseline, a line a value so that a review shows what changed. Returns its path; raises WriteError."""
    path = tree / BASELINE
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_plain(baseline), indent=2, ensure_ascii=False) + "\n"
    write_bytes(path, text.encode("utf-8"))
    return path
