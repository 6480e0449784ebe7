"""Two audits side by side: which verdicts, statuses and scores differ, and where evidence went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, ProbeAnswer, Status
from codex_audit.stages.places import ARTIFACTS_FOLDER
from codex_evidence.documents import read_artifact
from codex_evidence.errors import UsageError
from codex_evidence.names import shown

RAW, SCORED = "capabilities_raw", "capabilities_scored"

_RANKS: tuple[Status, ...] = ("absent", "stubbed", "partial", "implemented", "verified")


@dataclass(frozen=True, slots=True)
class Side:
    """One audit. ``raw`` is None when only the scores are there."""

    scored: CapabilitiesScored
    raw: CapabilitiesRaw | None


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """``old`` or ``new`` is ``absent`` for a probe that only one side asks; ``reason`` is the new side's."""

    probe: str
    old: str
    new: str
    reason: str

    @property
    def regression(self) -> bool:
        """Whether a yes was lost. A probe that is asked no more has lost nothing."""
        return self.old == "yes" and self.new not in ("yes", "absent")


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A capability whose status or score differs."""

    capability: str
    old_status: Status
    new_status: Status
    old_score: float
    new_score: float

    @property
    def fell(self) -> bool:
        """Whether the status is lower than it was."""
        return _RANKS.index(self.new_status) < _RANKS.index(self.old_status)


@dataclass(frozen=True, slots=True)
class EvidenceMove:
    """A probe that is yes on both sides, shown at other places."""

    probe: str
    gone: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``old_score`` and ``new_score`` are those of the whole."""

    old_score: float
    new_score: float
    verdicts: tuple[VerdictChange, ...]
    scores: tuple[ScoreChange, ...]
    moves: tuple[EvidenceMove, ...]
    verdicts_compared: bool

    @property
    def regressed(self) -> bool:
        """Whether a verdict fell from yes; where verdicts are not there, whether a status fell."""
        if self.verdicts_compared:
            return any(change.regression for change in self.verdicts)
        return any(change.fell for change in self.scores)


def read_side(path: Path) -> Side:
    """The audit in the output folder ``path``, or beside and in the file ``path`` of scores.

    Raises UsageError when there is none, CodexError when it cannot be read.
    """
    scored = _scores_at(path)
    raw = scored.with_name(f"{RAW}.json")
    return Side(
        read_artifact(scored, SCORED, CapabilitiesScored),
        read_artifact(raw, RAW, CapabilitiesRaw) if raw.exists() else None,
    )


def compare(old: Side, new: Side) -> Comparison:
    """What differs from ``old`` to ``new``, in the order of the matrix."""
    both = old.raw is not None and new.raw is not None
    was = _answers(old.raw) if both else {}
    now = _answers(new.raw) if both else {}
    return Comparison(
        old_score=old.scored.score,
        new_score=new.scored.score,
        verdicts=tuple(_verdicts(was, now)),
        scores=tuple(_scores(old.scored, new.scored)),
        moves=tuple(_moves(was, now)),
        verdicts_compared=both,
    )


def _scores_at(path: Path) -> Path:
    name = f"{SCORED}.json"
    candidates = (path,) if path.is_file() else (path / ARTIFACTS_FOLDER / name, path / name)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise UsageError(f"{shown(path)} holds no audit with scores; give an output folder or a {name}")


def _answers(raw: CapabilitiesRaw | None) -> dict[str, ProbeAnswer]:
    capabilities = raw.capabilities if raw else ()
    return {answer.id: answer for capability in capabilities for answer in capability.probes}


def _verdicts(was: dict[str, ProbeAnswer], now: dict[str, ProbeAnswer]) -> Iterator[VerdictChange]:
    for probe in dict.fromkeys((*now, *was)):
        old = was[probe].counted if probe in was else "absent"
        new = now[probe].counted if probe in now else "absent"
        if old != new:
            yield VerdictChange(probe, old, new, now[probe].sentence if probe in now else "asked no more")


def _scores(was: CapabilitiesScored, now: CapabilitiesScored) -> Iterator[ScoreChange]:
    former = {item.id: item for item in was.capabilities}
    for item in now.capabilities:
        old = former.get(item.id)
        if old is not None and (old.status, old.score) != (item.status, item.score):
            yield ScoreChange(item.id, old.status, item.status, old.score, item.score)


def _moves(was: dict[str, ProbeAnswer], now: dict[str, ProbeAnswer]) -> Iterator[EvidenceMove]:
    for probe, new in now.items():
        old = was.get(probe)
        if old is None or old.counted != "yes" or new.counted != "yes":
            continue
        before, after = _places(old), _places(new)
        if set(before) != set(after):
            gone = tuple(place for place in before if place not in after)
            yield EvidenceMove(probe, gone, tuple(place for place in after if place not in before))


def _places(answer: ProbeAnswer) -> tuple[str, ...]:
    return tuple(f"{item.path}:{item.line}" for item in answer.evidence)
