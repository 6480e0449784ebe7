"""What the scanners say of the tree: findings, licences of locked packages, the bill of materials."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from codex_audit.release.child import run, shown_in, words
from codex_audit.release.declared import locked_versions
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.scanners.model import ScanResults
from codex_audit.scanners.places import BOM_FILE, SECURITY_FOLDER, SUMMARY
from codex_audit.scanners.read import scan_results
from codex_audit.scanners.verdicts import licence_verdicts, open_findings, silent, wrote_sbom
from codex_audit.stages.index import index_tree
from codex_audit.verify.vocabulary import vocabulary
from codex_audit.workflow.load import load_workflow
from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes
from codex_evidence.strict_json import loads

_LICENCES = "licences"  # its findings are for the item of that name
_READERS = ("bandit", "secrets")  # those that look at files; the others name what has no version
_MOST_SHOWN = 5
_MOST_BYTES = 1 << 26


def scanners_item(ground: Ground) -> Outcome:
    """No scanner found anything of the profile's severity or above that nothing suppresses."""
    asked = ground.profile.scanners
    folder, scan = _scan(ground)
    others = (_LICENCES, *asked.leave_out)
    found = [
        one for report, one in open_findings(scan, _today(), asked.severity) if report.scanner not in others
    ]
    kept = shown_in(ground, folder / SUMMARY)
    if found:
        places = [one.place for one in found[:_MOST_SHOWN]]
        said = "; ".join(f"{one.rule} at {one.place}" for one in found[:_MOST_SHOWN])
        return failed(f"{len(found)} findings: {said}", *places, kept)
    quiet = [one for one in silent(scan) if one.scanner not in others]
    said = "; ".join(f"{one.scanner}: {one.reason}" for one in quiet)
    if any(one.state != "cannot_ask" for one in quiet):
        return failed(said, kept)
    unread = [f"{one.scanner}: {each.path}: {each.reason}" for one in scan.reports for each in one.unscanned]
    unread = [line for line in unread if line.partition(":")[0] in _READERS]
    if unread:
        return failed(f"{len(unread)} files could not be looked at: {'; '.join(unread[:_MOST_SHOWN])}", kept)
    if quiet:
        return skipped(said, kept)
    left = "".join(f"; {name} left out: {why}" for name, why in asked.leave_out.items())
    looked = ", ".join(one.scanner for one in scan.reports if one.scanner not in others)
    return passed(f"{looked}: nothing of severity {asked.severity} or above{left}", kept)


def licences_item(ground: Ground) -> Outcome:
    """Every package that a lock pins is under a licence that the profile allows, or is an exception with a reason."""
    folder, scan = _scan(ground)
    kept = shown_in(ground, folder / SUMMARY)
    if unasked := [one for one in silent(scan) if one.scanner == _LICENCES]:
        return failed(f"licences were not looked at: {unasked[0].reason}", kept)
    locked = locked_versions(ground)
    rules = ground.profile.licences
    verdicts = [one for one in licence_verdicts(scan, rules.allow, rules.exceptions) if one.name in locked]
    if not verdicts:
        return skipped("no lock pins a package")
    bad = [f"{one.name} ({one.licence or 'not known'})" for one in verdicts if one.verdict != "allowed"]
    if bad:
        said = f"{len(bad)} packages have a licence that is not allowed: {', '.join(bad[:_MOST_SHOWN])}"
        return failed(said, kept)
    excused = sum(1 for one in verdicts if one.reason)
    return passed(
        f"the licences of {len(verdicts)} packages are allowed, {excused} of them by exception", kept
    )


def sbom_item(ground: Ground) -> Outcome:
    """A CycloneDX bill of materials of this tree is there and lists its components."""
    folder, scan = _scan(ground)
    if not wrote_sbom(scan):
        why = next((one.reason for one in silent(scan) if one.scanner == "sbom"), "nothing to list")
        return failed(f"no SBOM was written: {why}")
    path = folder / SECURITY_FOLDER / BOM_FILE
    document = loads(read_bytes(path, max_bytes=_MOST_BYTES), max_bytes=_MOST_BYTES)
    count = len(document.get("components", []))
    return passed(
        f"{document.get('bomFormat')} {document.get('specVersion')} with {count} components",
        shown_in(ground, path),
    )


def _scan(ground: Ground) -> tuple[Path, ScanResults]:
    """A scan of the tree and the folder it is in: made here and kept, so that the next item finds it again. One that
    the project brings is not believed: whoever wrote it could have left findings out. Raises CodexError for one that
    cannot be made or read."""
    made = ground.kept / "scan"
    if (found := scan_results(made, _tree_digest(ground.root, made))) is not None:
        return made, found
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
    exclude = load_workflow(root, None, vocabulary(), _today()).workflow.exclude
    return index_tree(root, output, exclude=exclude, jobs=1).index.tree_sha256


def _today() -> date:
    return datetime.now(UTC).date()
