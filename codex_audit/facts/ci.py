"""Pipelines of the usual CI systems, tox and make: what each step runs or reuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.facts.ini import ini_entries
from codex_audit.facts.model import CiFacts, Step
from codex_audit.facts.scalars import Path, Scalar
from codex_audit.facts.source import commands, cut, numbered, text_of, text_of_any
from codex_audit.facts.toml import toml_scalars
from codex_audit.facts.yaml_events import yaml_scalars

# Keys whose scalars, lists of scalars or blocks are shell commands, by system.
_RUN_KEYS = {
    "github": {"run"},
    "gitlab": {"script", "before_script", "after_script"},
    "circleci": {"run", "command"},
    "azure": {"script", "bash", "pwsh", "powershell"},
    "buildkite": {"command", "commands"},
    "travis": {"script", "install", "before_script", "after_success", "before_install", "deploy"},
    "drone": {"commands"},
    "woodpecker": {"commands"},
    "bitbucket": {"script"},
    "cirrus": {"script", "test_script", "install_script"},
    "appveyor": {"test_script", "build_script", "install"},
}
_USES_KEYS = {
    "github": {"uses"},
    "azure": {"task", "template"},
    "circleci": set(),
    "buildkite": set(),
    "bitbucket": {"pipe"},
}
_SYSTEMS = (
    (re.compile(r"(.*/)?\.github/workflows/[^/]+\.ya?ml"), "github"),
    (re.compile(r"(.*/)?\.github/actions/.+/action\.ya?ml"), "github"),
    (re.compile(r"(.*/)?\.gitea/workflows/[^/]+\.ya?ml"), "github"),
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
    (re.compile(r"tox\.ini|tox\.toml"), "tox"),
    (re.compile(r"(GNU)?[Mm]akefile"), "make"),
)
_GROOVY = re.compile(
    r"\b(?:sh|bat|powershell)\b\s*(?:\(?\s*(?:script\s*:)?\s*)?(?P<quote>'''|\"\"\"|'|\")(?P<body>.*?)(?P=quote)",
    re.DOTALL,
)
_TARGET = re.compile(r"^([A-Za-z0-9_.%/$(){}-][^:=#]*?)\s*::?(?!=)")


def ci_system(path: str) -> str:
    """The system whose pipeline lies at ``path``; empty for any other file."""
    return next((system for pattern, system in _SYSTEMS if pattern.fullmatch(path)), "")


def read_ci(data: bytes, path: str) -> CiFacts:
    """The steps of the pipeline at ``path``. Raises ReadError when it does not parse."""
    system = ci_system(path)
    if system == "jenkins":
        return CiFacts(system, (), tuple(_jenkins(text_of_any(data))))
    if system == "make":
        return CiFacts(system, (), tuple(_make(text_of_any(data))))
    if system == "tox":
        steps = _tox_toml(text_of(data)) if path.endswith(".toml") else _tox_ini(text_of_any(data))
        return CiFacts(system, (), tuple(steps))
    scalars = list(yaml_scalars(text_of(data)))
    return CiFacts(system, _triggers(scalars), tuple(_yaml_steps(system, scalars)))


def _triggers(scalars: list[Scalar]) -> tuple[str, ...]:
    """The names under GitHub's ``on`` (which YAML 1.1 reads as true)."""
    names: dict[str, None] = {}
    for scalar in scalars:
        if scalar.path and str(scalar.path[0]) in ("on", "true"):
            second = scalar.path[1] if len(scalar.path) > 1 else scalar.value
            names[second if isinstance(second, str) else scalar.value] = None
    return tuple(names)


def _yaml_steps(system: str, scalars: list[Scalar]) -> Iterator[Step]:
    run_keys, uses_keys = _RUN_KEYS.get(system, set()), _USES_KEYS.get(system, set())
    for scalar in scalars:
        key = _last_name(scalar.path)
        job = _job(system, scalar.path)
        if key in uses_keys:
            yield Step(job, "", cut(scalar.value), "", scalar.line)
        elif key in run_keys or (system == "circleci" and _is_shorthand(scalar.path)):
            yield from _commands(job, scalar)


def _last_name(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _is_shorthand(path: Path) -> bool:
    return len(path) >= 2 and path[-1] == "run"


def _job(system: str, path: Path) -> str:
    names = [part for part in path if isinstance(part, str)]
    if len(names) > 1 and names[0] in ("jobs", "pipelines"):
        return names[1]
    return names[0] if names and system in ("gitlab", "travis", "drone") else ""


def _commands(job: str, scalar: Scalar) -> Iterator[Step]:
    lines = (
        numbered(scalar.value, scalar.start)
        if scalar.block
        else [(scalar.line, scalar.value.replace("\n", " "))]
    )
    for number, line in commands(lines):
        yield Step(job, "", "", line, number)


def _jenkins(text: str) -> Iterator[Step]:
    for match in _GROOVY.finditer(text):
        first = text.count("\n", 0, match.start("body")) + 1
        for number, line in commands(numbered(match["body"], first)):
            yield Step("", "", "", line, number)


def _make(text: str) -> Iterator[Step]:
    """Recipe lines, each under its target."""
    target = ""
    recipe: list[tuple[int, str]] = []
    for number, line in [*numbered(text), (0, "end:")]:
        if line.startswith("\t"):
            recipe.append((number, line.strip().lstrip("@-+")))
            continue
        if match := _TARGET.match(line):
            for start, command in commands(recipe):
                yield Step(target, "", "", command, start)
            target, recipe = match[1].strip(), []


def _tox_ini(text: str) -> Iterator[Step]:
    for entry in ini_entries(text):
        if entry.option.startswith("commands"):
            for number, line in commands(entry.lines):
                yield Step(entry.section, "", "", line, number)


def _tox_toml(text: str) -> Iterator[Step]:
    """``commands = [["pytest", "-q"], ...]``: each inner list is one command."""
    lines: dict[tuple[Path, int], list[str]] = {}
    for scalar in toml_scalars(text):
        names = [part for part in scalar.path if isinstance(part, str)]
        if names and names[-1].startswith("commands"):
            lines.setdefault((scalar.path[:-1], scalar.line), []).append(scalar.value)
    for (path, line), words in lines.items():
        yield Step(str(path[1]) if len(path) > 1 else "", "", "", cut(" ".join(words)), line)
