"""What git keeps of the project: the checks of the commit hooks, over every file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from codex_audit.gates.committed import Limits, committed_problems
from codex_audit.gates.fences import fence_problems
from codex_audit.gates.links import link_problems, places_of
from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import MARKDOWN, Repository, given_or_tracked, repository_around
from codex_audit.gates.runs import committed_runs, run_problems
from codex_audit.listing.exclude import excluder
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped

_MOST_SHOWN = 3


def artifacts_item(ground: Ground) -> Outcome:
    """No checkpoint, log, file of variables, key or large binary is in git."""
    asked = ground.profile.artifacts
    limits = Limits(excluder(asked.allow), asked.max_kb * 1024)
    return _over(ground, (), lambda repository, paths: committed_problems(repository, paths, limits))


def fences_item(ground: Ground) -> Outcome:
    """Fences of Markdown are closed, nested right and name a language."""
    return _over(
        ground,
        MARKDOWN,
        lambda repository, paths: _each(paths, lambda path: fence_problems(repository, path)),
    )


def links_item(ground: Ground) -> Outcome:
    """Relative links, images and anchors of Markdown lead somewhere."""

    def problems(repository: Repository, paths: Sequence[bytes]) -> Iterable[Problem]:
        places = places_of(repository)
        return _each(paths, lambda path: link_problems(places, path))

    return _over(ground, MARKDOWN, problems)


def runs_item(ground: Ground) -> Outcome:
    """Every run folder in git is what its manifests say."""
    repository = repository_around(ground.root)
    if not repository.has_git:
        return skipped("git does not keep this folder")
    runs = list(committed_runs(repository))
    if not runs:
        return passed("git keeps no run")
    return _outcome(_each(runs, lambda run: run_problems(repository, run)), f"{len(runs)} runs")


def _over(
    ground: Ground, kinds: tuple[str, ...], check: Callable[[Repository, Sequence[bytes]], Iterable[Problem]]
) -> Outcome:
    repository = repository_around(ground.root)
    if not repository.has_git:
        return skipped("git does not keep this folder")
    paths, unread = given_or_tracked(repository, [], *kinds)
    return _outcome([*unread, *check(repository, paths)], f"{len(paths)} files")


def _each(paths: Iterable[bytes], check: Callable[[bytes], Iterable[Problem]]) -> list[Problem]:
    return [problem for path in paths for problem in check(path)]


def _outcome(problems: Iterable[Problem], looked_at: str) -> Outcome:
    found = [str(problem) for problem in problems]
    if not found:
        return passed(f"{looked_at}, nothing found")
    more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return failed(
        "; ".join(found[:_MOST_SHOWN]) + more, *(one.partition(": ")[0] for one in found[:_MOST_SHOWN])
    )
