"""Gaps that a template mends: each a change that stands alone and applies to the tree as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.status.detectors.artifacts import found_kinds
from codex_audit.status.detectors.entry_points import entry_points
from codex_audit.status.hooks_file import hooks_diff
from codex_audit.status.known import Known
from codex_audit.status.load_mends import load_diffs
from codex_audit.status.mend_texts import (
    CHANGELOG,
    CONTRIBUTING,
    DOCKERFILE,
    NEW_FILES,
    TESTS_WORKFLOW,
    NewFile,
)
from codex_audit.status.model import AtomicDiff
from codex_audit.status.patches import unified

_CLASSIFIER = re.compile(r"Programming Language :: Python :: 3\.(\d+)")


def atomic_diffs(known: Known) -> tuple[AtomicDiff, ...]:
    """Every change that a template can make, those of the worst risk first."""
    found = (
        *load_diffs(known),
        *_python_version(known),
        *hooks_diff(known),
        *_new_files(known),
        *_ignored(known),
    )
    return tuple(diff for diff in found if diff.patch)


def _new_files(known: Known) -> Iterator[AtomicDiff]:
    for new in (*NEW_FILES, TESTS_WORKFLOW, CHANGELOG, CONTRIBUTING, DOCKERFILE):
        if set(new.probes) & known.unshipped:
            continue
        closes = [probe for probe in new.probes if known.counted(probe) == "no"]
        there = {entry.path.lower() for entry in known.ground.index.files}
        if not closes or new.path.lower() in there or not _fits(new, known):
            continue
        text = _filled(new, known)
        if text:
            yield AtomicDiff(
                title=f"Add `{new.path}`",
                closes=", ".join(closes),
                why=known.probes[closes[0]].risk,
                risk=new.risk,
                rollback=f"Delete `{new.path}`.",
                check=new.check,
                patch=unified(new.path, None, text),
            )


def _fits(new: NewFile, known: Known) -> bool:
    """Whether the file suits the tree: a pipeline for GitHub only where no other system runs, a test run only where
    there are tests, a build only where there is a package."""
    systems = {facts.system for _, facts in known.ground.tree.ci()} - {"tox", "nox", "make"}
    scripted = any(entry.path.startswith(".ci/") for entry in known.ground.index.files)
    if new.path.startswith(".github/") and (scripted or systems - {"github"}):
        return False
    if "pytest" in new.needs and not any(module.facts.tests for module in known.ground.tree.modules.every):
        return False
    return "package" not in new.needs or "pyproject.toml" in known.ground.entries


def _filled(new: NewFile, known: Known) -> str:
    python = _lowest_python(known)
    points = [
        point.name for point in entry_points(known.ground) if re.fullmatch(r"[A-Za-z0-9._-]+", point.name)
    ]
    start = f'ENTRYPOINT ["{points[0]}"]\nCMD ["--help"]\n' if points else 'CMD ["python"]\n'
    project = known.project if re.fullmatch(r"[A-Za-z0-9._-]+", known.project) else "this project"
    text = new.text
    for mark, value in (
        ("@PYTHON@", python or "3.12"),
        ("@START@", start),
        ("@PROJECT@", project),
        ("@INSTALL@", _installed(known)),
    ):
        text = text.replace(mark, value)
    return text


def _installed(known: Known) -> str:
    """What a pipeline installs to run the tests: the extra or the file that is called so, else pytest."""
    for path in (
        "requirements/dev.txt",
        "requirements-dev.txt",
        "requirements/test.txt",
        "requirements-test.txt",
    ):
        if path in known.ground.entries:
            return f"-r {path} ."
    groups = {item.group for _, item in known.ground.tree.requirements()}
    extra = next((name for name in ("test", "tests", "testing", "dev") if name in groups), "")
    return f"'.[{extra}]' pytest" if extra else ". pytest"


def _lowest_python(known: Known) -> str:
    """The oldest Python that the project says it supports, as ``3.N``; empty when it says nothing."""
    file = known.ground.tree.by_path.get("pyproject.toml")
    settings = file.settings.settings if file is not None and file.settings is not None else ()
    for item in settings:
        if item.key == "project.requires-python" and (match := re.search(r">=\s*3\.(\d+)", item.value)):
            return f"3.{match[1]}"
    minors = [int(match[1]) for item in settings if (match := _CLASSIFIER.fullmatch(item.value))]
    return f"3.{min(minors)}" if minors else ""


def _python_version(known: Known) -> Iterator[AtomicDiff]:
    """``requires-python``, from the classifiers, below the name in ``[project]``."""
    if known.counted("reproducibility.declared-python") != "no":
        return
    text, python = known.sources.text("pyproject.toml"), _lowest_python(known)
    file = known.ground.tree.by_path.get("pyproject.toml")
    items = file.settings.settings if file is not None and file.settings is not None else ()
    line = next((item.line for item in items if item.key == "project.name"), 0)
    if text is None or not python or not line:
        return
    rows = text.split("\n")
    if not re.match(r"\s*name\s*=", rows[line - 1]):
        return
    end = "\r" if rows[line - 1].endswith("\r") else ""
    rows.insert(line, f'requires-python = ">={python}"{end}')
    yield AtomicDiff(
        "Declare the Python versions in `pyproject.toml`",
        "reproducibility.declared-python",
        known.probes["reproducibility.declared-python"].risk,
        f"pip refuses older interpreters than {python}, the oldest that the classifiers name.",
        "Take the line out.",
        "python -m build, and pip install of the wheel",
        unified("pyproject.toml", text, "\n".join(rows)),
    )


def _ignored(known: Known) -> Iterator[AtomicDiff]:
    """Names of left-overs that .gitignore does not hold yet."""
    if known.ground.tracked is None:
        return
    text = known.sources.text(".gitignore") if ".gitignore" in known.ground.entries else None
    if text is None and ".gitignore" in known.ground.entries:
        return
    held = {row.strip() for row in (text or "").split("\n")}
    kinds = found_kinds(known.ground)
    wanted = [name for kind, _ in kinds for name in kind.ignore if name not in held]
    if wanted:
        before = text or ""
        glue = "" if not before or before.endswith("\n") else "\n"
        files = [entry.path for _, entries in kinds for entry in entries]
        yield AtomicDiff(
            "Ignore what runs and builds leave behind",
            "committed-artifact",
            "The next `git add` brings them back.",
            "A file of such a name that belongs to the project has to be added by force.",
            "Take the lines out of `.gitignore`.",
            f"git rm --cached {' '.join(files[:3])}{' ...' if len(files) > 3 else ''}, then git status",
            unified(".gitignore", text, f"{before}{glue}" + "".join(f"{name}\n" for name in wanted)),
        )
