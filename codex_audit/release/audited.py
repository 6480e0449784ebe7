"""Whether the committed audit is that of this tree, and nothing became worse since the baseline."""

from __future__ import annotations

from codex_audit.artifacts import CapabilitiesRaw
from codex_audit.gates.baseline import read_baseline
from codex_audit.gates.failures import failures_of
from codex_audit.gates.ratchet import turn
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.stages.places import ARTIFACTS_FOLDER, BASELINE, artifact_path
from codex_audit.verify.audit import Question, verify_audit
from codex_audit.verify.vocabulary import catalogue, vocabulary
from codex_evidence.documents import read_artifact


def audit_item(ground: Ground) -> Outcome:
    """``codex-audit verify --rerun`` says CONSISTENT: the audit is whole, of this tree, and comes out again."""
    if not (ground.root / ARTIFACTS_FOLDER).is_dir():
        return failed("there is no audit; run `codex-audit run` and commit what it writes")
    verdict = verify_audit(_question(ground))
    if verdict.word == "CONSISTENT":
        return passed(f"current, and the same when it is made again; head {verdict.head}", ARTIFACTS_FOLDER)
    said = "; ".join(f"{finding.file}: {finding.reason}" for finding in verdict.findings[:3])
    return failed(f"{verdict.summary}{': ' if said else ''}{said}", ARTIFACTS_FOLDER)


def regression_item(ground: Ground) -> Outcome:
    """The audit shows no failure that the committed baseline does not accept. That the audit is true of the tree is
    what the item before says."""
    if not (ground.root / BASELINE).is_file():
        return skipped(
            "there is no baseline; write one with `codex-audit gate --write-baseline` and commit it"
        )
    path = artifact_path("capabilities_raw")
    if not (ground.root / path).is_file():
        return failed("there is no audit; run `codex-audit run` and commit what it writes")
    raw = read_artifact(ground.root / path, "capabilities_raw", CapabilitiesRaw)
    turned = turn(read_baseline(ground.root), failures_of(raw))
    if turned.new:
        first = turned.new[0]
        where = f" at {first.place}" if first.place else ""
        said = f"{len(turned.new)} new failures, the first is {first.check}{where}: {first.reason}"
        return failed(said, *filter(None, (one.place for one in turned.new[:5])), BASELINE)
    return passed(f"{len(turned.known)} failures were accepted before, and there is no other", BASELINE)


def _question(ground: Ground) -> Question:
    return Question(
        folder=ground.root,
        tree=None,
        workflow_file=None,
        expected_head="",
        rerun=True,
        catalogue=catalogue(),
        names=vocabulary(),
        jobs=1,
    )
