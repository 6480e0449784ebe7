"""Pipelines of the usual CI systems: what each step runs or reuses, at the line where it stands.

YAML systems differ in little but the names of their keys, so that one walk over the scalars of the file reads
them all by a table. A step or job that says ``if: false`` never runs and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from codex_audit.facts.ci_text import jenkins_steps, make_steps, tox_ini_steps, tox_toml_steps
from codex_audit.facts.model import CiFacts, Step
from codex_audit.facts.scalars import Path, Scalar
from codex_audit.facts.source import commands, cut, numbered, text_of, text_of_any
from codex_audit.facts.yaml_events import yaml_scalars


class _Dialect(NamedTuple):
    """Names of keys: ``run`` holds shell text, ``uses`` names something reused, ``named`` is a list whose
    entries are reused by name (``- codecov/upload: {...}``). Empty ``within`` means anywhere, else below that
    key."""

    run: frozenset[str]
    uses: frozenset[str] = frozenset()
    named: str = ""
    within: str = ""


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DIALECTS = {
    "github": _Dialect(_keys("run"), _keys("uses")),
    "gitlab": _Dialect(_keys("script before_script after_script"), _keys("template component")),
    "circleci": _Dialect(_keys("run command"), named="steps"),
    "azure": _Dialect(_keys("script bash pwsh powershell"), _keys("task template")),
    "buildkite": _Dialect(_keys("command commands"), named="plugins"),
    "travis": _Dialect(
        _keys("script install before_install before_script after_script after_success before_deploy"),
        _keys("provider"),
    ),
    "drone": _Dialect(_keys("commands"), _keys("image"), within="steps"),
    "woodpecker": _Dialect(_keys("commands"), _keys("image"), within="steps"),
    "bitbucket": _Dialect(_keys("script"), _keys("pipe")),
    "cirrus": _Dialect(_keys("script test_script install_script lint_script build_script")),
    "appveyor": _Dialect(_keys("install build_script test_script deploy_script")),
}
_SYSTEMS = (
    (re.compile(r"(.*/)?\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml"), "github"),
    (re.compile(r"(.*/)?\.github/actions/.+/action\.ya?ml|action\.ya?ml"), "github"),
    (re.compile(r"\.gitlab-ci\.ya?ml|\.gitlab-ci/.+\.ya?ml|\.gitlab/ci/.+\.ya?ml"), "gitlab"),
    (re.compile(r"\.circleci/.+\.ya?ml"), "circleci"),
    (re.compile(r"(.*/)?\.?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.+\.ya?ml"), "azure"),
    (re.compile(r"\.buildkite/.+\.ya?ml"), "buildkite"),
    (re.compile(r"\.travis\.ya?ml"), "travis"),
    (re.compile(r"\.drone\.ya?ml"), "drone"),
    (re.compile(r"\.woodpecker\.ya?ml|\.woodpecker/.+\.ya?ml"), "woodpecker"),
    (re.compile(r"bitbucket-pipelines\.yml"), "bitbucket"),
    (re.compile(r"\.cirrus\.ya?ml"), "cirrus"),
    (re.compile(r"\.?appveyor\.ya?ml"), "appveyor"),
    (re.compile(r"(.*/)?Jenkinsfile(\..+)?"), "jenkins"),
    (re.compile(r"(.*/)?tox\.(?:ini|toml)"), "tox"),
    (re.compile(r"(.*/)?(?:GNUm|[Mm])akefile"), "make"),
)
_STEP_NAMES = _keys("name displayName label")
_JOB_NAMES = _keys("job deployment")
_JOB_TABLES = _keys("jobs commands pipelines")
_NEVER = re.compile(r"(?:\$\{\{\s*)?false(?:\s*\}\})?", re.IGNORECASE)
_ALIAS = re.compile(r"\*[\w-]+|\.[\w-]+")
_TRIGGERS = {"trigger": "push", "pr": "pull_request", "schedules": "schedule"}


def ci_system(path: str) -> str:
    """The system whose pipeline lies at ``path``; empty for any other file."""
    return next((system for pattern, system in _SYSTEMS if pattern.fullmatch(path)), "")


def read_ci(data: bytes, path: str) -> CiFacts:
    """The steps of the pipeline at ``path``. Raises ReadError when it does not parse."""
    system = ci_system(path)
    if system in _DIALECTS:
        scalars = list(yaml_scalars(text_of(data)))
        return CiFacts(system, _triggers(system, scalars), tuple(_yaml_steps(system, scalars)))
    if system == "jenkins":
        return CiFacts(system, (), tuple(jenkins_steps(text_of_any(data))))
    if system == "make":
        return CiFacts(system, (), tuple(make_steps(text_of_any(data))))
    steps = tox_toml_steps(text_of(data)) if path.endswith(".toml") else tox_ini_steps(text_of_any(data))
    return CiFacts(system, (), tuple(steps))


def _triggers(system: str, scalars: list[Scalar]) -> tuple[str, ...]:
    """GitHub's names of events, and as near as they come those of the others; each once, in file order."""
    names: dict[str, None] = {}
    for scalar in scalars:
        match scalar.path:
            case ("on",) | ("on", int()) if system == "github":
                names[scalar.value] = None
            case ("on", str(event), *_) if system == "github":
                names[event] = None
            case (str(key), *_) if system == "azure" and key in _TRIGGERS and scalar.value != "none":
                names[_TRIGGERS[key]] = None
            case ("trigger" | "when", "event", *_) if system in ("drone", "woodpecker"):
                names[scalar.value] = None
            case _:
                pass
    return tuple(names)


def _yaml_steps(system: str, scalars: list[Scalar]) -> Iterator[Step]:
    dialect = _DIALECTS[system]
    labels = _Labels(scalars)
    seen: set[Path] = set()
    for scalar in scalars:
        key, holder = _key_and_holder(scalar.path)
        if labels.never_runs(scalar.path) or (dialect.within and dialect.within not in scalar.path):
            continue
        job, name = labels.job(system, scalar.path), labels.names.get(holder, "")
        reused = _reused(dialect, scalar, key, holder, seen)
        if reused:
            yield Step(job, name, cut(reused), "", scalar.line)
        elif _holds_shell(system, dialect, scalar.path, key, holder):
            for line, command in commands(_shell_lines(scalar)):
                yield Step(job, name, "", command, line)


def _holds_shell(system: str, dialect: _Dialect, path: Path, key: str, holder: Path) -> bool:
    """Whether a scalar is shell text. On GitHub also what a step or a reused workflow is given to run
    (``with: {command: ...}``); ``script`` of a step is that of github-script, which is no shell."""
    if system != "github":
        return key in dialect.run
    if holder[-1:] == ("with",):
        return key == "command" or (key == "script" and not _in_list(holder[:-1]))
    return key in dialect.run and _in_list(holder)


def _key_and_holder(path: Path) -> tuple[str, Path]:
    """The last name on ``path``, list positions after it left out, and the path of the mapping that holds
    it."""
    end = len(path)
    while end and isinstance(path[end - 1], int):
        end -= 1
    return (str(path[end - 1]), path[: end - 1]) if end else ("", ())


def _in_list(path: Path) -> bool:
    return bool(path) and isinstance(path[-1], int)


def _reused(dialect: _Dialect, scalar: Scalar, key: str, holder: Path, seen: set[Path]) -> str:
    """What the step of ``scalar`` reuses, said once a step; empty for nothing."""
    if key in dialect.uses:
        return scalar.value
    if not dialect.named:
        return ""
    if key == dialect.named and _in_list(scalar.path):
        return scalar.value
    if scalar.path[:1] == ("orbs",):
        return scalar.value if len(scalar.path) == 2 else ""
    for end in range(2, len(scalar.path)):
        if scalar.path[end - 2] == dialect.named and isinstance(scalar.path[end - 1], int):
            name, step = str(scalar.path[end]), scalar.path[:end]
            if step not in seen and re.search(r"[/#]", name):
                seen.add(step)
                return name
    return ""


def _shell_lines(scalar: Scalar) -> Iterator[tuple[int, str]]:
    """The lines of a shell text with their numbers; none for an alias, whose commands stand elsewhere."""
    if _ALIAS.fullmatch(scalar.value):
        return iter(())
    if scalar.block:
        return numbered(scalar.value, scalar.start)
    return ((scalar.start, line) for line in scalar.value.split("\n"))


class _Labels:
    """What steps and jobs are called, and which never run, by the path of their mapping."""

    def __init__(self, scalars: list[Scalar]) -> None:
        self.names: dict[Path, str] = {}
        self.jobs: dict[Path, str] = {}
        self.never: set[Path] = set()
        for scalar in scalars:
            key, holder = _key_and_holder(scalar.path)
            if key in _STEP_NAMES:
                self.names.setdefault(holder, cut(scalar.value))
            elif key in _JOB_NAMES:
                self.jobs.setdefault(holder, cut(scalar.value))
            elif key == "if" and _NEVER.fullmatch(scalar.value.strip()):
                self.never.add(holder)

    def never_runs(self, path: Path) -> bool:
        return bool(self.never) and any(path[:end] in self.never for end in range(len(path)))

    def job(self, system: str, path: Path) -> str:
        if len(path) > 1 and path[0] in _JOB_TABLES and isinstance(path[1], str):
            return path[1]
        if system == "gitlab" and path:
            return str(path[0])
        if system in ("drone", "travis", "woodpecker"):
            return self.names.get((), "")
        return next((self.jobs[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.jobs), "")
