"""Why a verdict is what it is and what would change it: the rule that fired, and the evidence against it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from codex_audit.artifacts import Evidence, Verdict
from codex_audit.capabilities.model import Probe
from codex_audit.query.found import Found, one_a_line, ordered
from codex_audit.query.options import normalised

MOST_NEAR = 2
_CODE = frozenset({"entry", "library", "example"})
_KINDS = ("option ", "dependency ")
_EXPRESSION = re.compile(r"[\\|(\[^$+]")


def rule_of(probe: Probe, verdict: Verdict, found: Found, evidence: tuple[Evidence, ...]) -> str:
    """The rule that fired. For a yes it is what the best of ``evidence`` does, said with the pattern that was
    searched (``clips gradients with *.clip_grad_norm_``)."""
    if verdict == "yes" and evidence:
        return _fired(evidence[0], found.looked_for)
    if verdict == "yes":
        return f"{_none_of(found)} was found, and none may be there"
    if verdict == "no" and probe.by_absence:
        return "something was found that must not be there"
    if verdict == "no" and found.half:
        return "only a part of what it takes was found"
    if verdict == "no" and not found.looked_for:
        return "the tree holds nothing that the question could be about"
    if verdict == "no":
        return f"{_none_of(found)} was found where it counts"
    if verdict == "unknown":
        return "a file that names what was looked for could not be read"
    return "the question does not apply to this tree"


def counter_of(
    probe: Probe, verdict: Verdict, found: Found, evidence: tuple[Evidence, ...]
) -> tuple[str, ...]:
    """What would change ``verdict``, as sentences: what it takes, what does not count, and the nearest misses."""
    excluded = (
        (f"these do not count: {probe.excludes}",) if probe.excludes and verdict in ("yes", "no") else ()
    )
    near = (
        f"near: {item.path}:{item.line}, {item.why}" for item in one_a_line(ordered(found.near))[:MOST_NEAR]
    )
    return (_what_it_takes(probe, verdict, found, evidence), *excluded, *near)


def _what_it_takes(probe: Probe, verdict: Verdict, found: Found, evidence: tuple[Evidence, ...]) -> str:
    if verdict == "yes" and evidence:
        return _without(len(one_a_line(found.evidence)), {item.place for item in evidence})
    if verdict == "yes":
        return "no, at the first place of the kind that was looked for"
    if verdict == "no" and probe.by_absence:
        return f"yes, were {'this place' if len(found.near) == 1 else 'these places'} gone"
    if verdict == "no":
        return f"yes, at the first place that counts: {probe.counts}"
    return (
        "yes or no, once that file can be read"
        if verdict == "unknown"
        else "yes or no, in a tree to which it applies"
    )


def _without(count: int, places: set[str]) -> str:
    if places & _CODE:
        fate = "gone, stubs, unreachable, vendored or test code"
    else:
        fate = "gone, skipped or without an assertion" if "test" in places else "gone or empty"
    return f"no, were {'this place' if count == 1 else f'all {count} places'} {fate}"


def _none_of(found: Found) -> str:
    count = len(found.looked_for)
    return (
        "nothing of the kind searched" if count == 1 else f"none of the {count} names and patterns searched"
    )


def _fired(best: Evidence, looked_for: Iterable[str]) -> str:
    """What ``best`` does, with the pattern in place of the name where a pattern of names led there. An expression
    would tell a reader less than the name that it found."""
    names = (one for one in looked_for if not _EXPRESSION.search(one) and one.strip("*."))
    pattern = _most_literal(one for one in names if _fits(one, best))
    for kind in _KINDS:
        pattern = pattern.removeprefix(kind)
    if not pattern:
        return best.why
    return best.why.replace(best.symbol, pattern) if best.symbol in best.why else f"{best.why} ({pattern})"


def _most_literal(patterns: Iterable[str]) -> str:
    return max(patterns, key=lambda pattern: len(pattern) - 2 * pattern.count("*"), default="")


def _fits(pattern: str, found: Evidence) -> bool:
    """Whether ``pattern``, as searches write down what they looked for, is one that ``found`` matches."""
    if pattern.startswith("option "):
        return _glob(normalised(pattern.removeprefix("option ")), normalised(found.symbol))
    if pattern.startswith("dependency "):
        return pattern == f"dependency {found.symbol}"
    return _file(pattern, found.path) if found.symbol == found.path else _glob(pattern, found.symbol)


def _file(glob: str, path: str) -> bool:
    """As ``Tree.paths``: case ignored, a glob without a folder matches the file's name."""
    glob, path = glob.lower(), path.lower()
    return _glob(glob.removeprefix("/"), path if "/" in glob.removeprefix("/") else path.rpartition("/")[2])


def _glob(pattern: str, name: str) -> bool:
    if "*" not in pattern:
        return pattern == name
    # Compiling thousands of patterns that cannot match would take longer than asking all probes.
    pieces = pattern.split("*")
    if not (name.startswith(pieces[0].partition("[")[0]) and name.endswith(pieces[-1].rpartition("]")[2])):
        return name == pattern.removeprefix("*.")
    return fnmatch.fnmatchcase(name, pattern)
