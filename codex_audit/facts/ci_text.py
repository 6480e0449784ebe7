"""Pipelines that are no YAML: Jenkinsfile, Makefile and tox. Their commands are found by scanning once,
forwards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.facts.ini import ini_entries
from codex_audit.facts.model import Step
from codex_audit.facts.scalars import Path
from codex_audit.facts.source import commands, cut, numbered
from codex_audit.facts.toml import toml_scalars

# Comments and strings are matched whole, so that neither hides the other; one that never ends goes on to the
# end.
_GROOVY = re.compile(
    r"//[^\n]*+"
    r"|/\*(?:(?!\*/)[\s\S])*+"
    r"|(?:\b(?P<word>sh|bat|powershell|pwsh|stage)\b[\s(]{0,20}+"
    r"(?:\w{1,40}\s{0,9}:\s{0,9}\w{1,40}\s{0,9},\s{0,9}){0,4}(?:(?:script|name)\s{0,9}:\s{0,9})?)?"
    r"(?:'''(?P<a>(?:[^'\\]|\\[\s\S]|'(?!''))*+)(?:''')?"
    r'|"""(?P<b>(?:[^"\\]|\\[\s\S]|"(?!""))*+)(?:""")?'
    r"|'(?P<c>(?:[^'\\\n]|\\.)*+)'?"
    r'|"(?P<d>(?:[^"\\\n]|\\.)*+)"?)'
)
_TOX_COMMANDS = frozenset({"commands", "commands_pre", "commands_post"})


def jenkins_steps(text: str) -> Iterator[Step]:
    """The arguments of ``sh``, ``bat`` and ``powershell``, each under the stage that was named last."""
    stage, line, seen = "", 1, 0
    for match in _GROOVY.finditer(text):
        group = next((name for name in "abcd" if match[name] is not None), "")
        if not group or not match["word"]:
            continue
        line += text.count("\n", seen, match.start(group))
        seen = match.start(group)
        if match["word"] == "stage":
            stage = cut(match[group])
            continue
        for number, command in commands(numbered(match[group], line)):
            yield Step(stage, "", "", command, number)


def make_steps(text: str) -> Iterator[Step]:
    """Recipe lines, each under its target."""
    target, recipe = "", list[tuple[int, str]]()
    for number, line in numbered(text):
        if line.startswith("\t"):
            recipe.append((number, line))
        elif found := _rule(line):
            yield from _recipe(target, recipe)
            target, recipe = found[0], [(number, found[1])]
    yield from _recipe(target, recipe)


def _rule(line: str) -> tuple[str, str] | None:
    """Target and inline recipe of a rule's first line; None for an assignment, a comment or anything else."""
    head, colon, rest = line.partition(":")
    if not colon or "=" in head or rest.lstrip(":").startswith("=") or not head.strip() or head[0] in "# ":
        return None
    return cut(head.strip()), rest.partition(";")[2]


def _recipe(target: str, recipe: list[tuple[int, str]]) -> Iterator[Step]:
    for number, command in commands(recipe):
        if bare := command.lstrip("@-+ "):
            yield Step(target, "", "", bare, number)


def tox_ini_steps(text: str) -> Iterator[Step]:
    """The commands of each environment of a ``tox.ini``."""
    for entry in ini_entries(text):
        if entry.option in _TOX_COMMANDS:
            for number, command in commands(entry.lines):
                yield Step(entry.section, "", "", command.removeprefix("- "), number)


def tox_toml_steps(text: str) -> Iterator[Step]:
    """The commands of each environment of a ``tox.toml``: each inner list is one command."""
    words: dict[Path, tuple[int, list[str]]] = {}
    for scalar in toml_scalars(text):
        names = [part for part in scalar.path if isinstance(part, str)]
        if names and names[-1] in _TOX_COMMANDS and isinstance(scalar.path[-1], int):
            words.setdefault(scalar.path[:-1], (scalar.line, []))[1].append(scalar.value)
    for path, (line, command) in words.items():
        yield Step(".".join(str(part) for part in path[:-2]), "", "", cut(" ".join(command)), line)
