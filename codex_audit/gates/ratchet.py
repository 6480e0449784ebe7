"""What an audit shows that its baseline does not accept, and what it no longer shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codex_audit.facts.hidden import HIDDEN_LINE
from codex_audit.gates.baseline import Accepted, Baseline, baseline_of
from codex_audit.gates.failures import CLEAN_TREE, FEEDER, Failure, scan_check, scanner_of
from codex_audit.gates.scanned import NOBODY, Looked


@dataclass(frozen=True, slots=True)
class Turned:
    """``new`` are failures that were not accepted, ``known`` those that were, ``gone`` how many accepted ones are there
    no more, ``unasked`` the failures of probes that the baseline does not know. ``kept`` are accepted ones that only a
    scan can find, where none looked."""

    new: tuple[Failure, ...]
    known: tuple[Failure, ...]
    gone: int
    unasked: tuple[Failure, ...]
    kept: tuple[Accepted, ...] = ()


def turn(baseline: Baseline, failures: Sequence[Failure], looked: Looked = NOBODY) -> Turned:
    """Compares ``failures`` with ``baseline``. Equal fingerprints count as often as they were accepted. What a scanner
    finds is new also where none was asked when the baseline was written."""
    checks = set(baseline.checks)
    asked = [one for one in failures if one.check in checks or scanner_of(one.check)]
    beyond, left = _compared(baseline, asked)
    known = tuple(one for one in asked if id(one) not in beyond)
    kept = tuple(_kept(baseline, left, looked))
    return Turned(
        new=tuple(one for one in asked if id(one) in beyond),
        known=known,
        gone=len(baseline.failures) - len(known) - len(kept),
        unasked=tuple(one for one in failures if one.check not in checks and not scanner_of(one.check)),
        kept=kept,
    )


def shrunk(baseline: Baseline, turned: Turned) -> Baseline:
    """``baseline`` without what is gone. It accepts nothing that it did not accept before."""
    return baseline_of(
        (*turned.known, *map(_failure, turned.kept)),
        baseline.checks,
        tool_version=baseline.tool_version,
        catalogue=baseline.catalogue,
    )


def renewed(former: Baseline | None, now: Baseline, looked: Looked) -> Baseline:
    """``now``, which accepts all that fails, with what ``former`` accepts and only scanners could say that did not
    look."""
    looking = {scan_check(name) for name in looked}
    checks = {*now.checks, *looking}
    failures = [*map(_failure, now.failures)]
    if former is not None:
        checks |= {check for check in former.checks if scanner_of(check)}
        failures += map(_failure, turn(former, failures, looked).kept)
    return baseline_of(failures, checks, tool_version=now.tool_version, catalogue=now.catalogue)


def _failure(one: Accepted) -> Failure:
    return Failure(one.check, one.symbol, one.snippet, one.path, 0, "")


def _compared(baseline: Baseline, failures: Sequence[Failure]) -> tuple[set[int], Counter[str]]:
    """The ``id`` of each failure beyond those accepted, and how many accepted ones of each fingerprint are left. Among
    equal failures, those in files that the baseline names are the old ones."""
    left = Counter(one.fingerprint for one in baseline.failures)
    paths = {(one.fingerprint, one.path) for one in baseline.failures}
    beyond = set[int]()
    for one in sorted(failures, key=lambda one: (one.fingerprint, one.path) not in paths):
        if left[one.fingerprint]:
            left[one.fingerprint] -= 1
        else:
            beyond.add(id(one))
    for one in (failure for failure in failures if id(failure) in beyond):
        place = next(
            (item for item in baseline.failures if left[item.fingerprint] and _may_be(item, one)), None
        )
        if place is not None:
            left[place.fingerprint] -= 1
            beyond.discard(id(one))
    return beyond, left


def _may_be(accepted: Accepted, now: Failure) -> bool:
    """Whether the two may be one failure, of which a scan hides the line that was quoted, or quotes what was hidden."""
    same = (accepted.check, accepted.symbol, accepted.path) == (now.check, now.symbol, now.path)
    return same and any(one.snippet in (HIDDEN_LINE, one.path) for one in (accepted, now))


def _kept(baseline: Baseline, left: Counter[str], looked: Looked) -> Iterator[Accepted]:
    """Those of ``left`` of which nobody can say whether they are gone."""
    for one in baseline.failures:
        if left[one.fingerprint] and not _was_asked(baseline, one, looked):
            left[one.fingerprint] -= 1
            yield one


def _was_asked(baseline: Baseline, one: Accepted, looked: Looked) -> bool:
    scanner = scanner_of(one.check)
    is_file = one.symbol == one.path  # a committed .env, which the probe sees by its name
    if one.check == CLEAN_TREE and not is_file and scan_check(FEEDER) in baseline.checks:
        scanner = FEEDER  # what failed the probe then may be known to that scanner alone
    return not scanner or (scanner in looked and one.path not in looked[scanner])
