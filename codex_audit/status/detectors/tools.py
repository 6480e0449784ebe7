"""Two tools for one job: they disagree sooner or later, and each is one more thing to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.facts.model import FileFacts
from codex_audit.status.ground import ASIDE, Ground
from codex_audit.status.model import Citation, Finding

NAME = "overlapping-tools"
# By job: the tools, each with the expression that a section of settings, a hook or a command must match.
JOBS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "format code",
        (
            ("black", r"black"),
            ("ruff format", r"ruff[- ]format|ruff\.format"),
            ("yapf", r"yapf"),
            ("autopep8", r"autopep8"),
        ),
    ),
    ("sort imports", (("isort", r"isort"), ("ruff (I)", r"ruff[\w.-]*select=I\d*"))),
    ("lint", (("flake8", r"flake8"), ("pylint", r"pylint"), ("ruff", r"ruff(?:-check| check)?|ruff\.lint"))),
    ("check types", (("mypy", r"mypy"), ("pyright", r"pyright|basedpyright"), ("pytype", r"pytype"))),
    (
        "lock dependencies",
        (
            ("uv", r"uv\.lock"),
            ("poetry", r"poetry\.lock"),
            ("pdm", r"pdm\.lock"),
            ("pipenv", r"pipfile\.lock"),
        ),
    ),
    (
        "build the docs",
        (("sphinx", r"sphinx-build|docs?/(?:source/)?conf\.py"), ("mkdocs", r"mkdocs\.ya?ml|mkdocs build")),
    ),
)
_SECTION = re.compile(r"tool\.(ruff\.format|ruff\.lint|[\w-]+)\.")
_FILES = (
    ".flake8",
    ".pylintrc",
    "mypy.ini",
    "pyrightconfig.json",
    ".isort.cfg",
    "ruff.toml",
    ".ruff.toml",
    ".style.yapf",
)
_INI_SECTIONS = ("flake8", "isort", "mypy", "pylint", "yapf", "pylint.master")


def detect(ground: Ground) -> Iterator[Finding]:
    uses = list(tool_uses(ground))
    for job, tools in JOBS:
        found: dict[str, Citation] = {}
        for tool, pattern in tools:
            place = next((place for text, place in uses if re.fullmatch(pattern, text)), None)
            if place is not None:
                found[tool] = place
        if len(found) > 1:
            listed = " and ".join(f"`{tool}`" for tool in found)
            yield Finding(
                NAME,
                f"{listed} both {job}" if len(found) == 2 else f"{listed} all {job}",
                "low",
                "Their settings drift apart: one undoes or contradicts what the other did.",
                len(found),
                tuple(found.values()),
                "Choose one, move its settings to pyproject.toml and take the other out.",
                "minutes",
            )


def tool_uses(ground: Ground) -> Iterator[tuple[str, Citation]]:
    """What the tree sets up or runs: (what was found, where)."""
    for file in ground.tree.files:
        if file.facets & (ASIDE - {"generated"}):
            continue
        name = file.path.rpartition("/")[2].lower()
        if "/" not in file.path and name in _FILES:
            yield (
                re.sub(r"^\.|rc$|\.(?:cfg|ini|toml|json)$|^\.style\.|config\.json$", "", name),
                Citation(file.path),
            )
        if name.endswith(".lock") or name in ("mkdocs.yml", "mkdocs.yaml"):
            yield name, Citation(file.path)
        if file.path in ("docs/conf.py", "doc/conf.py", "docs/source/conf.py"):
            yield file.path, Citation(file.path)
        yield from _settings(file)
        for hook in file.hooks.hooks if file.hooks is not None else ():
            yield hook.id, Citation(file.path, hook.line, hook.id)
        for step in file.ci.steps if file.ci is not None else ():
            for tool in re.findall(
                r"(?:^|[\s;&|/])((?:ruff (?:format|check)|[a-z][\w-]*(?: build)?))(?=[\s;&|]|$)", step.run
            ):
                yield tool, Citation(file.path, step.line, tool.split()[0])


def _settings(file: FileFacts) -> Iterator[tuple[str, Citation]]:
    if file.settings is None or file.path not in ("pyproject.toml", "setup.cfg", "tox.ini"):
        return
    for item in file.settings.settings:
        if match := _SECTION.match(f"{item.key}."):
            yield match[1], Citation(file.path, item.line, item.key.rpartition(".")[2].partition("[")[0])
        section = item.key.rpartition(".")[0]
        if file.path != "pyproject.toml" and section in _INI_SECTIONS:
            yield section.partition(".")[0], Citation(file.path, item.line, item.key.rpartition(".")[2])
        if re.fullmatch(r"tool\.ruff\.(?:lint\.)?(?:extend-)?select\[\d+\]", item.key):
            yield f"ruff.select={item.value}", Citation(file.path, item.line, item.value)
