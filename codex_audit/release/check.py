"""All items in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from codex_audit.release.audited import audit_item, regression_item
from codex_audit.release.built import build_item, entry_points_item, install_item
from codex_audit.release.child import command_item
from codex_audit.release.committed import artifacts_item, fences_item, links_item, runs_item
from codex_audit.release.declared import changelog_item, lock_item, version_item
from codex_audit.release.model import Answer, Ground, Item, Outcome, failed, skipped
from codex_audit.release.scanned import licences_item, sbom_item, scanners_item
from codex_audit.release.tested import coverage_item, tests_item
from codex_evidence.errors import CodexError, UsageError

ITEMS: tuple[Item, ...] = (
    Item("tests", "Are the tests green?", tests_item),
    Item("coverage", "Do the tests reach enough of the code?", coverage_item),
    Item(
        "lint", "Does the linter find nothing?", lambda given: command_item(given, "lint", given.profile.lint)
    ),
    Item("types", "Do the types hold?", lambda given: command_item(given, "types", given.profile.types)),
    Item("scanners", "Do the scanners find nothing?", scanners_item),
    Item("licences", "May every locked package be used?", licences_item),
    Item("sbom", "Is there a bill of materials?", sbom_item),
    Item(
        "docs", "Does the documentation build?", lambda given: command_item(given, "docs", given.profile.docs)
    ),
    Item("links", "Do the links in the documentation lead somewhere?", links_item),
    Item("fences", "Are the fences in the documentation closed?", fences_item),
    Item("artifacts", "Does git keep no checkpoint, log, .env, key or large binary?", artifacts_item),
    Item("runs", "Are the committed runs what their manifests say?", runs_item),
    Item("changelog", "Does the changelog have this version?", changelog_item),
    Item("version", "Is the version the same everywhere?", version_item),
    Item("lock", "Does the lock hold what pyproject asks for?", lock_item),
    Item("audit", "Is the audit current, and does it come out again?", audit_item),
    Item("regression", "Does nothing fail that was not accepted?", regression_item),
    Item("build", "Do two builds give the same bytes?", build_item),
    Item("install", "Does the wheel install in an empty environment?", install_item),
    Item("entry_points", "Do the console scripts answer?", entry_points_item),
)


def check(
    ground: Ground, only: frozenset[str] = frozenset(), tell: Callable[[Item], None] = lambda item: None
) -> Iterator[Answer]:
    """The answer of each item, or of those named in ``only``; ``tell`` hears each before it is asked. Raises UsageError
    for names that no item has."""
    known = {item.name for item in ITEMS}
    if odd := sorted((ground.profile.skip.keys() | only) - known):
        raise UsageError(f"no item is called {odd[0]!a}; there are {', '.join(item.name for item in ITEMS)}")
    return (_answer(ground, item, tell) for item in ITEMS if not only or item.name in only)


def is_good(ground: Ground, answers: tuple[Answer, ...]) -> bool:
    """Whether a release may go out: something was looked at, nothing failed and, where the profile is strict, nothing
    was skipped unsaid."""
    unsaid = [
        one for one in answers if one.outcome.status == "skipped" and one.item not in ground.profile.skip
    ]
    found = {one.outcome.status for one in answers}
    return "passed" in found and "failed" not in found and not (ground.profile.strict and unsaid)


def _answer(ground: Ground, item: Item, tell: Callable[[Item], None]) -> Answer:
    tell(item)
    started = time.perf_counter()
    outcome = _outcome(ground, item)
    return Answer(item.name, item.question, outcome, round(time.perf_counter() - started, 3))


def _outcome(ground: Ground, item: Item) -> Outcome:
    if reason := ground.profile.skip.get(item.name):
        return skipped(f"by the profile: {reason}")
    try:
        return item.check(ground)
    except CodexError as error:
        return failed(str(error))  # one item that cannot be asked does not hide the others
