"""What an audit shows that its baseline does not accept, and what it no longer shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from codex_audit.gates.baseline import Baseline, baseline_of
from codex_audit.gates.failures import Failure


@dataclass(frozen=True, slots=True)
class Turned:
    """``new`` are failures that were not accepted, ``known`` those that were, ``gone`` how many accepted ones are there
    no more, ``unasked`` the failures of checks that the baseline does not know."""

    new: tuple[Failure, ...]
    known: tuple[Failure, ...]
    gone: int
    unasked: tuple[Failure, ...]


def turn(baseline: Baseline, failures: Sequence[Failure]) -> Turned:
    """Compares ``failures`` with ``baseline``. Equal fingerprints count as often as they were accepted."""
    checks = set(baseline.checks)
    asked = [one for one in failures if one.check in checks]
    beyond = _beyond(baseline, asked)
    known = tuple(one for one in asked if id(one) not in beyond)
    return Turned(
        new=tuple(one for one in asked if id(one) in beyond),
        known=known,
        gone=len(baseline.failures) - len(known),
        unasked=tuple(one for one in failures if one.check not in checks),
    )


def shrunk(baseline: Baseline, turned: Turned) -> Baseline:
    """``baseline`` without what is gone. It accepts nothing that it did not accept before."""
    return baseline_of(
        turned.known, baseline.checks, tool_version=baseline.tool_version, catalogue=baseline.catalogue
    )


def _beyond(baseline: Baseline, failures: Sequence[Failure]) -> set[int]:
    """The ``id`` of each failure beyond those accepted. Among equal ones, those in files that the baseline names are
    the old ones."""
    left = Counter(one.fingerprint for one in baseline.failures)
    paths = {(one.fingerprint, one.path) for one in baseline.failures}
    beyond = set[int]()
    for one in sorted(failures, key=lambda one: (one.fingerprint, one.path) not in paths):
        if left[one.fingerprint]:
            left[one.fingerprint] -= 1
        else:
            beyond.add(id(one))
    return beyond
