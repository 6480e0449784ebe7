"""A status update from all that is known of a tree."""

from __future__ import annotations

from dataclasses import replace

import codex_audit
from codex_audit.status.capability_table import capability_rows
from codex_audit.status.checklist import checklist
from codex_audit.status.deferred import deferred, errors
from codex_audit.status.detectors.catalogue import ranked, ranked_findings
from codex_audit.status.forbidden import forbidden
from codex_audit.status.gates import gates, tested
from codex_audit.status.known import Known
from codex_audit.status.mends import atomic_diffs
from codex_audit.status.model import Finding, Gate, StatusUpdate
from codex_audit.status.no_diffs import no_diffs
from codex_audit.status.phases import phases
from codex_audit.status.questions import read_ledger
from codex_audit.status.repo_map import repo_map
from codex_audit.status.summary import summary

SCHEMA = "codex-audit/status_update/v1"
MOST_FINDINGS = 12


def status_update(known: Known, script: str) -> StatusUpdate:
    """The update; the same tree, settings and version give the same one. ``script`` is the name of the file that will
    run the gates."""
    every = _findings(known)
    findings = every[:MOST_FINDINGS]
    rows, checks = capability_rows(known), checklist(known)
    diffs = atomic_diffs(known)
    ways = tuple(_sound(gate, known) for gate in gates(known))
    questions = read_ledger(known.workflow.ledger, known.sources)
    changes = known.changes
    return StatusUpdate(
        schema=SCHEMA,
        version=codex_audit.__version__,
        project=known.project,
        release=known.release,
        tree_sha256=known.ground.index.tree_sha256,
        commit=changes.commits[0].id if changes.commits else "",
        notes=known.notes,
        score=known.scored.score,
        threshold=known.scored.threshold,
        summary=summary(known, rows, findings, checks, diffs, ways, questions),
        repo_map=repo_map(known),
        capabilities=rows,
        findings=findings,
        findings_left_out=len(every) - len(findings),
        diffs=diffs,
        no_diffs=no_diffs(known, diffs),
        gates=ways,
        tested=tested(known),
        checklist=checks,
        deferred=deferred(known),
        errors=errors(known),
        questions=questions,
        phases=phases(known, findings, diffs, ways, script),
        script=script,
    )


def _findings(known: Known) -> tuple[Finding, ...]:
    """What the detectors found and what must not be there, ranked together."""
    found = ranked_findings(known.ground)
    told = frozenset(
        place.path for item in found if item.detector == "committed-artifact" for place in item.places
    )
    return tuple(_checked(item, known) for item in ranked((*found, *forbidden(known, told))))


def _checked(finding: Finding, known: Known) -> Finding:
    places = dict.fromkeys(known.sources.checked(place) for place in finding.places)
    return replace(finding, places=tuple(places))


def _sound(gate: Gate, known: Known) -> Gate:
    return replace(gate, places=tuple(known.sources.checked(place) for place in gate.places))
