"""cyclonedx-bom (OWASP): the dependencies as a CycloneDX 1.6 bill of materials.

The tool gets a list of names and versions and no file of the tree: a pyproject can name a licence file anywhere on the
machine, and the tool would read it.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from codex_audit.scanners.children import Command, run_children
from codex_audit.scanners.dependencies import Dependencies
from codex_audit.scanners.kept import key_of, recall, remember
from codex_audit.scanners.model import Outcome
from codex_audit.scanners.places import BOM_FILE
from codex_audit.scanners.subject import Settings, Subject

NAME, DISTRIBUTION = "sbom", "cyclonedx-bom"

_FIXED = ("-m", "cyclonedx_py", "requirements", "-", "--spec-version", "1.6", "--output-reproducible")
_OUTPUT = ("--output-format", "JSON", "--output-file", "-")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]{0,63}")


def scan(subject: Subject, dependencies: Dependencies, settings: Settings, version: str) -> Outcome:
    """The bill of materials of all that is declared or locked."""
    given = "\n".join(line for line in dependencies.lines if _plain(line)) + "\n"
    project = _project(subject)
    key = key_of(NAME, version, given, project)
    answer = recall(settings.store, [key], bytes).get(key)
    if answer is None:
        folder = settings.scratch / NAME
        folder.mkdir()
        (folder / "pyproject.toml").write_text(project, encoding="utf-8")
        root = ("--pyproject", "pyproject.toml") if project else ()
        ended = run_children(
            [Command((*_FIXED, *root, *_OUTPUT), folder, given.encode())], 1, settings.limits
        )[0]
        if ended.problem or ended.code:
            return Outcome("failed", f"cyclonedx-py {ended.problem or f'ended with code {ended.code}'}")
        answer = json.dumps(json.loads(ended.output), indent=2, sort_keys=True).encode() + b"\n"
        remember(settings.store, {key: answer})
    reason = (
        f"{len(dependencies.unread)} files of dependencies could not be read" if dependencies.unread else ""
    )
    return Outcome(
        "partial" if reason else "done",
        reason,
        unscanned=dependencies.unread,
        documents=((BOM_FILE, answer),),
    )


def _plain(line: str) -> bool:
    name, _, version = line.partition("==")
    return bool(_NAME.fullmatch(name)) and (not version or bool(_VERSION.fullmatch(version)))


def _project(subject: Subject) -> str:
    """A pyproject with the tree's own name and version and nothing else; empty where it has none."""
    entry = next((entry for entry in subject.texts() if entry.path == "pyproject.toml"), None)
    if entry is None or entry.size > 1 << 20:
        return ""
    try:
        project: Any = tomllib.loads(subject.read(entry).decode("utf-8")).get("project")
    except (ValueError, RecursionError):
        return ""
    name, version = (project.get(key) if isinstance(project, dict) else None for key in ("name", "version"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return ""
    written = (
        f'version = "{version}"'
        if isinstance(version, str) and _VERSION.fullmatch(version)
        else 'dynamic = ["version"]'
    )
    return f'[project]\nname = "{name}"\n{written}\n'
