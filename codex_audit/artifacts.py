"""The frozen types of every file that an audit writes, in stage order.

A run writes artifacts from these types alone; ``schemas/`` holds the JSON Schema of each, enforced
when an artifact is read back. Nothing in a chained artifact depends on a clock, a host, an absolute
path or the order in which work finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from codex_evidence.chain import ChainLink

Verdict = Literal["yes", "no", "not_applicable", "unknown"]
Status = Literal["absent", "stubbed", "partial", "implemented", "verified"]
Place = Literal["entry", "library", "config", "example", "test", "docs"]
Strength = Literal["proved", "called", "declared", "imported", "named"]
Effort = Literal["minutes", "hours", "days"]


# --- S1 context_index.json
@dataclass(frozen=True, slots=True)
class FileEntry:
    """``path`` is relative with ``/``; percent-encoded when ``path_encoding`` says so. ``sha256`` is empty for
    whatever has no readable bytes (symlinks hash their target text); ``note`` then says why."""

    path: str
    path_encoding: Literal["utf-8", "percent"]
    kind: Literal["file", "symlink", "submodule", "fifo", "socket", "device", "directory"]
    mode: str
    size: int
    sha256: str
    binary: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class ContextIndex:
    """``view`` is how the tree was listed; ``notes`` say why git's view was not taken, when it was not."""

    schema: str
    view: Literal["git", "walk"]
    notes: tuple[str, ...]
    excluded: tuple[str, ...]
    files: tuple[FileEntry, ...]
    tree_sha256: str


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes ``start`` to ``end`` (from 0, ``end`` is not among them) of the line ``line`` (from 1) of a file; an
    ``end`` behind that of the line stands for it."""

    line: int
    start: int
    end: int


# --- S2 facets.json
@dataclass(frozen=True, slots=True)
class UnreadFile:
    path: str
    reader: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Facets:
    """``groups`` maps a facet to its paths; ``grammar`` is the Python grammar that read the code."""

    schema: str
    grammar: str
    project: str
    groups: dict[str, tuple[str, ...]]
    unread: tuple[UnreadFile, ...]


# --- S3 capabilities_raw.json
@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that speaks for (or, among ``near``, almost speaks for) a verdict. ``symbol`` is the name found there;
    ``scope`` the function or class it stands in."""

    path: str
    line: int
    excerpt: str
    why: str
    place: Place
    strength: Strength
    symbol: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Overruling:
    """A user's word against a probe's: ``file`` and ``line`` are where the settings hold it, ``expires`` the last day
    (RFC 3339 full-date, UTC) on which it is in force, empty for none."""

    verdict: Literal["yes", "no"]
    reason: str
    file: str
    line: int
    expires: str = ""

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """``rule`` is the one that decided, ``evidence`` what counts, best first and at most five of the ``places`` that
    do; ``looked_for`` names what was searched; ``near`` places that look like it and do not count, each saying why;
    ``counter`` what would change the verdict, in sentences.

    All of that is what the audit itself found, ``verdict`` and ``reason`` included; ``overruled`` stands beside it.
    """

    id: str
    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...]
    looked_for: tuple[str, ...]
    near: tuple[Evidence, ...]
    places: int = 0
    rule: str = ""
    counter: tuple[str, ...] = ()
    overruled: Overruling | None = None

    @property
    def counted(self) -> Verdict:
        """The verdict that scores and reports count. A no of the user is a no; a yes that the audit did not find
        itself is unknown, for nobody but the user vouches for it."""
        if self.overruled is None or not self.differs:
            return self.verdict
        return "no" if self.overruled.verdict == "no" else "unknown"

    @property
    def differs(self) -> bool:
        """Whether the user says otherwise than the audit itself found."""
        return self.overruled is not None and self.overruled.verdict != self.verdict

    @property
    def sentence(self) -> str:
        """The reason of ``counted``: the audit's own, or the user's before it."""
        if self.overruled is None:
            return self.reason
        if not self.differs:
            return f"{self.reason} ({self.overruled.place} says the same: {self.overruled.reason})"
        ruled = f"overruled to {self.overruled.verdict} at {self.overruled.place}: {self.overruled.reason}"
        return f"{ruled} (the audit itself found {self.verdict.replace('_', ' ')}: {self.reason})"


@dataclass(frozen=True, slots=True)
class Support:
    """What stands around the evidence of a capability. ``exercised`` are files of its evidence that a test which
    asserts something reaches; ``documented`` the ids of probes whose evidence the documentation names."""

    exercised: tuple[str, ...] = ()
    documented: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CapabilityAnswers:
    id: str
    title: str
    probes: tuple[ProbeAnswer, ...]
    support: Support = Support()


@dataclass(frozen=True, slots=True)
class CapabilitiesRaw:
    schema: str
    has_code: bool
    capabilities: tuple[CapabilityAnswers, ...]


# --- S4 capabilities_scored.json
@dataclass(frozen=True, slots=True)
class ComponentScore:
    """``value`` in [0, 1] over the known items, None when the component does not apply; ``low`` and ``high`` are the
    values if every unknown item were no, or yes. ``basis`` is the sentence behind it ("3 of 5 probes yes")."""

    value: float | None
    low: float
    high: float
    weight: float
    contribution: float
    basis: str


@dataclass(frozen=True, slots=True)
class CapabilityScore:
    id: str
    title: str
    status: Status
    score: float
    low: float
    high: float
    components: dict[str, ComponentScore]
    arithmetic: str


@dataclass(frozen=True, slots=True)
class CapabilitiesScored:
    schema: str
    weights: dict[str, float]
    threshold: float
    score: float
    low: float
    high: float
    capabilities: tuple[CapabilityScore, ...]


# --- S5 gaps.json
@dataclass(frozen=True, slots=True)
class PatchStep:
    """One change: the files of this tree it would touch, those it would create, and the probe that it would turn to
    yes. ``gain`` is what that adds to the capability's score once the change is tested and documented."""

    probe: str
    text: str
    effort: Effort
    files: tuple[str, ...]
    new_files: tuple[str, ...]
    gain: float


@dataclass(frozen=True, slots=True)
class Gap:
    capability: str
    title: str
    status: Status
    score: float
    reasons: tuple[str, ...]
    risks: tuple[str, ...]
    patch_plan: tuple[PatchStep, ...]
    rollback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Every capability has an entry in ``plans``; those below the threshold are named in ``below``."""

    schema: str
    threshold: float
    below: tuple[str, ...]
    plans: tuple[Gap, ...]


# --- S7 audit_run_manifest.json
@dataclass(frozen=True, slots=True)
class AuditManifest:
    """``inputs`` repeats the small inputs (versions) in clear; each is also hashed into the chain."""

    schema: str
    inputs: dict[str, str]
    chain: tuple[ChainLink, ...]
    head: str


# --- audit_run_record.json, outside the chain
@dataclass(frozen=True, slots=True)
class RunRecord:
    """Clocks, host, durations and file names that hold a time. ``reports`` maps a role to a path under the output."""

    schema: str
    started: str
    finished: str
    host: str
    platform: str
    commit: str
    seconds: dict[str, float]
    reports: dict[str, str]


# --- .run_in_progress.json, there while a run writes
@dataclass(frozen=True, slots=True)
class RunInProgress:
    """``writes`` are the paths under the output that the run is about to write. Removed last."""

    schema: str
    started: str
    writes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run folder of the tree, as reports tell of it. ``state`` is how it ended, ``steps`` the last one, ``loss`` the
    last that was recorded, in nats a target, None for none; ``checked`` says in a sentence what its manifests gave."""

    path: str
    state: str
    steps: int
    loss: float | None
    checked: str
