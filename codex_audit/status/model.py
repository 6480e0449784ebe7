"""The frozen types of a status update, in the order in which it says things.

Sentences are plain text in which names of the tree stand between backticks; what writes them for people escapes both.
Nothing here depends on a clock: times are those of commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codex_audit.artifacts import Effort, Status

Level = Literal["high", "medium", "low"]
Answer = Literal["yes", "partly", "no", "unknown", "not applicable"]
Category = Literal["data", "model", "infrastructure", "monitoring", "regression", "performance"]
CATEGORIES: tuple[Category, ...] = (
    "data",
    "model",
    "infrastructure",
    "monitoring",
    "regression",
    "performance",
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A place of the tree. ``line`` is 0 where the whole file is meant; ``symbol``, when there is one, stands on that
    line."""

    path: str
    line: int = 0
    symbol: str = ""

    @property
    def place(self) -> str:
        """``path:line``, or the path alone."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Area:
    """One folder at the top of the tree, or a package below it: how many files it holds, what they are, and what the
    folder says that it is for."""

    path: str
    files: int
    holds: str
    purpose: str


@dataclass(frozen=True, slots=True)
class KeyFile:
    what: str
    place: Citation


@dataclass(frozen=True, slots=True)
class Stubs:
    """Functions without a body that nobody is meant to override, ``places`` those on which most is built."""

    count: int
    files: int
    places: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """``date`` is the committer's, in UTC."""

    id: str
    date: str
    subject: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed last: ``commits`` newest first, the files that ``counted`` commits changed most, and, where git has
    nothing to say, why not and what a changelog says instead."""

    commits: tuple[Commit, ...] = ()
    counted: int = 0
    busiest: tuple[tuple[str, int], ...] = ()
    reason: str = ""
    changelog: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class RepoMap:
    areas: tuple[Area, ...]
    key_files: tuple[KeyFile, ...]
    stubs: Stubs
    changes: Changes


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is there, and the line that shows it."""

    what: str
    place: Citation


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing, and the place that shows it where there is one."""

    what: str
    place: Citation | None = None


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    """A row of the seven-column table. ``more`` counts the artifacts that are left out of ``artifacts``; ``unshipped``
    are the questions answered no that a source distribution cannot answer; ``held`` says which other parts of the
    score are low."""

    id: str
    title: str
    status: Status
    score: float
    artifacts: tuple[Artifact, ...]
    more: int
    gaps: tuple[Lack, ...]
    unshipped: tuple[str, ...]
    held: tuple[str, ...]
    risks: tuple[str, ...]
    plan: tuple[str, ...]
    rollback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """``reach`` counts the files that the finding touches, ``places`` shows the first, ``more`` counts the rest."""

    detector: str
    title: str
    level: Level
    risk: str
    reach: int
    places: tuple[Citation, ...]
    remedy: str
    effort: Effort
    more: int = 0


@dataclass(frozen=True, slots=True)
class AtomicDiff:
    """A change that stands alone. ``patch`` is a unified diff as ``git apply`` reads it; ``closes`` the probes or the
    detector that it is for, with commas. ``settles`` says whether they are settled once all diffs for them are applied,
    and ``besides`` what that takes besides this one, or what stands in the way."""

    title: str
    closes: str
    why: str
    risk: str
    rollback: str
    check: str
    patch: str
    settles: bool = True
    besides: str = ""


@dataclass(frozen=True, slots=True)
class NoDiff:
    """Gaps that no template mends, for one and the same reason; each with what to do."""

    reason: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """A command that says yes or no, as arguments; ``places`` show where the tree sets it up."""

    name: str
    command: tuple[str, ...]
    purpose: str
    categories: tuple[Category, ...]
    places: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """What covers one category of the ML Test Score, and what does not."""

    category: Category
    covers: tuple[Artifact, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One item of the reproducibility checklist; ``asked`` are the probes behind it."""

    item: str
    answer: Answer
    notes: tuple[str, ...]
    places: tuple[Citation, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deferred:
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class ErrorBlock:
    """Something that went wrong while the update was made."""

    step: str
    message: str
    context: str


@dataclass(frozen=True, slots=True)
class Questions:
    """The ledger of open questions as it stands; ``note`` says why there are none where that is so."""

    place: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """The whole update. ``release`` is the version that the tree declares for itself, ``script`` the name of the file
    that runs the gates."""

    schema: str
    version: str
    project: str
    release: str
    tree_sha256: str
    commit: str
    notes: tuple[str, ...]
    score: float
    threshold: float
    summary: tuple[str, ...]
    repo_map: RepoMap
    capabilities: tuple[CapabilityRow, ...]
    findings: tuple[Finding, ...]
    findings_left_out: int
    diffs: tuple[AtomicDiff, ...]
    no_diffs: tuple[NoDiff, ...]
    gates: tuple[Gate, ...]
    tested: tuple[Tested, ...]
    checklist: tuple[Check, ...]
    deferred: tuple[Deferred, ...]
    errors: tuple[ErrorBlock, ...]
    questions: Questions
    phases: tuple[Phase, ...]
    script: str
