"""Where the settings of an audit come from: a file that the caller names, the tree itself, the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import codex_audit
from codex_audit.workflow.check import KEYS, workflow_from
from codex_audit.workflow.documents import TABLE, Document, pyproject_document
from codex_audit.workflow.overruling import in_force
from codex_audit.workflow.settings import Source, Vocabulary, Workflow, defaults
from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

WORKFLOW_FILE = "workflow.yaml"
PYPROJECT = "pyproject.toml"
DEFAULT_FILE = Path(codex_audit.__file__).with_name("default_workflow.yaml")

_MAX_BYTES = 2**20
_FOREIGN = "; if this file is not meant for codex-audit, give another with --workflow"


@dataclass(frozen=True, slots=True)
class LoadedWorkflow:
    """``notes`` say what was passed over on the way to ``workflow``."""

    workflow: Workflow
    notes: tuple[str, ...] = ()


def default_text() -> str:
    """The default workflow as the user may read it."""
    return DEFAULT_FILE.read_text(encoding="utf-8")


def load_workflow(
    tree: Path, file: Path | None, names: Vocabulary, today: date | None = None
) -> LoadedWorkflow:
    """The settings for an audit of ``tree``: those of ``file`` if given, else of the tree's WORKFLOW_FILE,
    else of TABLE in its PYPROJECT, else the defaults, which underlie all. What has expired before ``today`` (by
    default the day it is, in UTC) is left out, and a note says so.

    Raises UsageError, and UnreadableError for a file that is there and cannot be read. A pyproject that is
    broken and does not speak of this program is no source; a note says so.
    """
    document, source, notes = _document(tree, file)
    if document is None:
        return LoadedWorkflow(defaults(), notes)
    try:
        written = workflow_from(document, source, names)
        workflow, expired = in_force(written, today or datetime.now(UTC).date())
        return LoadedWorkflow(workflow, (*notes, *expired, *_narrowed(workflow)))
    except UsageError as error:
        if source != "workflow.yaml" or set(document.values) & set(KEYS):
            raise
        raise UsageError(f"{error}{_FOREIGN}") from error


def _narrowed(workflow: Workflow) -> tuple[str, ...]:
    """A note when the audited tree itself decides what is not looked at, or what is to be found."""
    if workflow.source not in ("workflow.yaml", "pyproject.toml"):
        return ()
    counts = {
        "excluded path patterns": len(workflow.exclude),
        "disabled probes": len(workflow.disable),
        "overruled verdicts": len(workflow.overrule),
        "suppressed rules of scanners": len(workflow.suppress),
    }
    if not any(counts.values()):
        return ()
    has = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return (f"the tree's own {workflow.source} has {has}",)


def _document(tree: Path, file: Path | None) -> tuple[Document | None, Source, tuple[str, ...]]:
    if file is not None:
        # The caller's own file may be reached through a symlink; one inside the tree may not.
        data = read_bytes(file.resolve(), max_bytes=_MAX_BYTES)
        return _yaml(data, shown(file)), "command line", ()
    if _exists(tree / WORKFLOW_FILE):
        data = read_bytes(tree / WORKFLOW_FILE, max_bytes=_MAX_BYTES)
        passed_over = _has_table(tree / PYPROJECT)
        both = (f"[{TABLE}] in {PYPROJECT} is passed over: {WORKFLOW_FILE} is there",) if passed_over else ()
        return _tree_yaml(data), "workflow.yaml", both
    document, notes = _pyproject(tree / PYPROJECT)
    return document, "pyproject.toml" if document else "default", notes


def _yaml(data: bytes, name: str) -> Document:
    from codex_audit.workflow.yaml_document import yaml_document

    return yaml_document(data, name)


def _tree_yaml(data: bytes) -> Document:
    try:
        return _yaml(data, WORKFLOW_FILE)
    except UsageError as error:
        raise UsageError(f"{error}{_FOREIGN}") from error


def _pyproject(path: Path) -> tuple[Document | None, tuple[str, ...]]:
    if not _exists(path):
        return None, ()
    try:
        data = read_bytes(path, max_bytes=_MAX_BYTES)
    except UnreadableError as error:
        return None, (f"settings in {PYPROJECT} not looked for: {error}",)
    try:
        return pyproject_document(data, PYPROJECT), ()
    except (ValueError, RecursionError) as error:
        if TABLE.encode() in data:
            raise UsageError(f"{PYPROJECT}: not TOML, so its [{TABLE}] cannot be read: {error}") from error
        return None, (f"settings in {PYPROJECT} not looked for: it is not TOML",)


def _has_table(path: Path) -> bool:
    """Whether a pyproject that can be read holds settings for this program."""
    try:
        return pyproject_document(read_bytes(path, max_bytes=_MAX_BYTES), PYPROJECT) is not None
    except (UnreadableError, UsageError, ValueError, RecursionError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.is_symlink() or path.exists()
    except OSError as error:
        raise UnreadableError(f"cannot read {shown(path)}: {error.strerror}") from error
