"""Whether the tests are green, and whether they reach enough of the code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from codex_audit.release.child import command_item, shown_in
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.release.toml_key import toml_value
from codex_audit.release.tree import first_after
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.strict_json import loads

_MOST_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Tests:
    """Counts of a JUnit file; ``first`` names the first test that failed."""

    total: int
    failed: int
    skipped: int
    first: str


def tests_item(ground: Ground) -> Outcome:
    """By the JUnit file of the run just made, or by the command."""
    report = _newest(ground.root, ground.profile.tests.junit)
    if report is None:
        return command_item(ground, "tests", ground.profile.tests)
    place = shown_in(ground, report)
    if younger := first_after(ground.root, report):
        return failed(f"{place} is older than {younger}: run the tests again", place)
    counted = read_junit(report)
    if counted.failed:
        return failed(
            f"{counted.failed} of {counted.total} tests failed, the first is {counted.first}", place
        )
    if counted.total == counted.skipped:
        return failed(f"{place} holds no test that ran", place)
    return passed(f"{counted.total - counted.skipped} tests passed, {counted.skipped} were skipped", place)


def coverage_item(ground: Ground) -> Outcome:
    """The share of lines and branches that tests reach, by coverage.py's own figure."""
    asked = ground.profile.coverage
    floor = toml_value(ground.root, asked.floor)
    if not isinstance(floor, int | float) or isinstance(floor, bool):
        return skipped(f"{asked.floor} holds no floor")
    report = _newest(ground.root, asked.report)
    if report is None:
        return skipped(
            f"there is none of {', '.join(asked.report)}; run the tests under coverage, with --branch"
        )
    place = shown_in(ground, report)
    if younger := first_after(ground.root, report):
        return failed(f"{place} is older than {younger}: run the tests again", place)
    share, branches = _share(report)
    if not branches:
        return failed(f"{place} was measured without branches; set tool.coverage.run.branch", place)
    said = f"{share:.2f} % of lines and branches are covered, and the floor is {floor} %"
    return passed(said, place, asked.floor) if share >= floor else failed(said, place, asked.floor)


def read_junit(path: Path) -> Tests:
    """The counts of a JUnit file. Raises UsageError when it is none."""
    data = read_bytes(path, max_bytes=_MOST_BYTES)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise UsageError(f"{path.name} declares a document type, which no test runner writes")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - no entity is left to expand
    except ElementTree.ParseError as error:
        raise UsageError(f"{path.name} is not XML: {error}") from error
    cases = list(root.iter("testcase"))
    broken = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    left = sum(1 for case in cases if case.find("skipped") is not None)
    first = broken[0] if broken else None
    name = "" if first is None else f"{first.get('classname', '')}.{first.get('name', '')}".lstrip(".")
    # A suite that broke outside of a test says so in its counts alone.
    counted = max((_broken(suite) for suite in root.iter("testsuite")), default=0)
    return Tests(len(cases), max(len(broken), counted), left, name or "none that is named")


def _broken(suite: ElementTree.Element) -> int:
    counts = (suite.get(name, "0") for name in ("failures", "errors"))
    return sum(int(count) for count in counts if count.isdecimal())


def _share(path: Path) -> tuple[float, bool]:
    """The percentage, and whether branches were measured."""
    try:
        document = loads(read_bytes(path, max_bytes=_MOST_BYTES), max_bytes=_MOST_BYTES)
        return float(document["totals"]["percent_covered"]), bool(document["meta"]["branch_coverage"])
    except (CodexError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"{path.name} is no JSON report of coverage.py: {error}") from error


def _newest(root: Path, places: tuple[str, ...]) -> Path | None:
    there = [path for place in places if (path := root / place).is_file()]
    return max(there, key=lambda path: path.stat().st_mtime_ns, default=None)
