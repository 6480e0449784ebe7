"""What the scanners say of the tree: findings, licences of locked packages, the bill of materials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from codex_audit.release.child import run, shown_in, words
from codex_audit.release.declared import locked_versions
from codex_audit.release.licensing import is_allowed
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.scanners.model import SEVERITIES, Finding, ScannerReport, ScanResults
from codex_audit.scanners.places import BOM_FILE, SECURITY_FOLDER, SUMMARY
from codex_audit.scanners.read import scan_results
from codex_audit.stages.index import index_tree
from codex_audit.verify.vocabulary import vocabulary
from codex_audit.workflow.load import load_workflow
from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes
from codex_evidence.strict_json import loads

_LICENCES = "licences"  # its findings are for the item of that name
_MOST_SHOWN = 5
_MOST_BYTES = 1 << 26


def scanners_item(ground: Ground) -> Outcome:
    """No scanner found anything of the profile's severity or above that nothing suppresses."""
    asked = ground.profile.scanners
    folder, scan = _scan(ground)
    reports = [one for one in scan.reports if one.scanner not in (_LICENCES, *asked.leave_out)]
    found = list(_counted(reports, SEVERITIES[SEVERITIES.index(asked.severity) :]))
    kept = shown_in(ground, folder / SUMMARY)
    if found:
        shown = "; ".join(f"{one.rule} at {one.place}" for one in found[:_MOST_SHOWN])
        return failed(f"{len(found)} findings: {shown}", *(one.place for one in found[:_MOST_SHOWN]), kept)
    if broken := [one for one in reports if one.state in ("missing", "failed", "left_out")]:
        return failed("; ".join(f"{one.scanner}: {one.reason}" for one in broken), kept)
    if unasked := [one for one in reports if one.state == "cannot_ask"]:
        return skipped("; ".join(f"{one.scanner}: {one.reason}" for one in unasked), kept)
    left = "".join(f"; {name} left out: {why}" for name, why in asked.leave_out.items())
    clean = ", ".join(one.scanner for one in reports)
    return passed(f"{clean}: nothing of severity {asked.severity} or above{left}", kept)


def licences_item(ground: Ground) -> Outcome:
    """Every package that a lock pins is under a licence that the profile allows, or is an exception with a reason."""
    folder, scan = _scan(ground)
    kept = shown_in(ground, folder / SUMMARY)
    locked = locked_versions(ground)
    if not locked:
        return skipped("no lock pins a package")
    report = next((one for one in scan.reports if one.scanner == _LICENCES), None)
    if report is None or report.state not in ("done", "partial"):
        return failed(f"licences were not looked at: {report.reason if report else 'not asked'}", kept)
    known = {one.name: one.licence for one in report.packages}
    allow, excused = (
        ground.profile.licences.allow,
        set(map(canonicalize_name, ground.profile.licences.exceptions)),
    )
    bad = [
        f"{name} ({known.get(name) or 'not known'})"
        for name in sorted(locked)
        if name not in excused and not is_allowed(known.get(name, ""), allow)
    ]
    if bad:
        return failed(
            f"{len(bad)} packages have a licence that is not allowed: {', '.join(bad[:_MOST_SHOWN])}", kept
        )
    return passed(f"the licences of {len(locked)} packages are allowed, {len(excused)} by exception", kept)


def sbom_item(ground: Ground) -> Outcome:
    """A CycloneDX bill of materials of this tree is there and lists its components."""
    folder, scan = _scan(ground)
    path = folder / SECURITY_FOLDER / BOM_FILE
    report = next((one for one in scan.reports if one.scanner == "sbom"), None)
    if report is None or report.state != "done" or not path.is_file():
        return failed(f"no SBOM was written: {report.reason if report else 'not asked'}")
    document = loads(read_bytes(path, max_bytes=_MOST_BYTES), max_bytes=_MOST_BYTES)
    if document.get("bomFormat") != "CycloneDX":
        return failed("it is no CycloneDX document", shown_in(ground, path))
    count = len(document.get("components", []))
    return passed(f"CycloneDX {document.get('specVersion')} with {count} components", shown_in(ground, path))


def _scan(ground: Ground) -> tuple[Path, ScanResults]:
    """The scan that fits the tree and the folder it is in: the project's own, or one made now and kept, which the
    next item finds again. Raises CodexError for one that cannot be made or read."""
    made = ground.kept / "scan"
    for folder in (ground.root, made):
        if (found := scan_results(folder, _tree_digest(ground.root, made))) is not None:
            return folder, found
    asked = ground.profile.scanners
    made.mkdir(parents=True, exist_ok=True)
    argv = [ground.python, "-P", "-m", "codex_audit", "scan", str(ground.root), "--output", str(made)]
    argv += words(asked.options, ground.python)
    output = ground.kept / "scan.txt"
    ended = run(argv, folder=ground.root, output=output, limit=asked.limit)
    found = scan_results(made, _tree_digest(ground.root, made)) if ended.code == 0 else None
    if found is None:
        raise UsageError(f"`codex-audit scan` {ended.how}; all of it is in {shown_in(ground, output)}")
    return made, found


def _tree_digest(root: Path, output: Path) -> str:
    today = datetime.now(UTC).date()
    exclude = load_workflow(root, None, vocabulary(), today).workflow.exclude
    return index_tree(root, output, exclude=exclude, jobs=1).index.tree_sha256


def _counted(reports: list[ScannerReport], severities: tuple[str, ...]) -> Iterator[Finding]:
    today = datetime.now(UTC).date()
    for report in reports:
        yield from (one for one in report.findings if one.counts(today) and one.severity in severities)
