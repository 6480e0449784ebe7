"""Folders to browse, and the application driven without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from codex_audit.artifacts import CapabilityAnswers, Evidence
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.places import artifact_path
from codex_audit.stages.scoring import score_capabilities
from codex_audit.tui.app import AuditApp
from codex_audit.tui.sheet import Sheet
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes
from tests.reports.samples import (
    CATALOGUE,
    READ,
    SAVED,
    WEIGHTS,
    answer,
    entry,
    evidence,
    facets,
    index,
    raw,
)

SOURCE = '''\
"""Saves weights."""

import torch


def save(state, path):
    # The cited line.
    torch.save(state, path)
'''
CITED = replace(evidence(line=8), why="calls torch.save")
Steps = Callable[[Pilot[None], AuditApp], Awaitable[None]]


def write_audit(folder: Path, *capabilities: CapabilityAnswers) -> Path:
    """The artifacts of a small audit in ``folder``, the same at every time and place, and the file that it cites."""
    saved = replace(SAVED, probes=(answer("saving.weights", "yes", CITED), *SAVED.probes[1:]))
    answered = raw(*(capabilities or (saved, READ)))
    paths = {one.path for capability in answered.capabilities for one in _cited(capability)}
    tree = index("README.md", "pkg/__init__.py", *sorted(paths - {"pkg/run.py"}))
    cited = replace(entry("pkg/run.py"), sha256=sha256_hex(SOURCE.encode()), size=len(SOURCE))
    tree = replace(tree, files=(*tree.files, cited))
    facts = replace(facets("pkg/__init__.py", "pkg/run.py"), grammar="3.11")
    scored = score_capabilities(answered, CATALOGUE, WEIGHTS, 0.7)
    gaps = plan_gaps(answered, scored, CATALOGUE, tree, facts)
    for name, part in (
        ("context_index", tree),
        ("facets", facts),
        ("capabilities_raw", answered),
        ("capabilities_scored", scored),
        ("gaps", gaps),
    ):
        write_part(folder, name, part)
    (folder / "pkg").mkdir(exist_ok=True)
    (folder / "pkg" / "run.py").write_text(SOURCE)
    return folder


def write_part(folder: Path, name: str, part: Any) -> None:
    """One artifact."""
    file = folder / artifact_path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(artifact_bytes(part))


def changed() -> tuple[CapabilityAnswers, CapabilityAnswers]:
    """Other answers than those of ``write_audit``: one probe has risen, one has fallen."""
    found = (answer("saving.weights", "no"), answer("saving.optimizer", "yes", CITED))
    return replace(SAVED, probes=(*found, *SAVED.probes[2:])), READ


def _cited(capability: CapabilityAnswers) -> tuple[Evidence, ...]:
    return tuple(one for probe in capability.probes for one in (*probe.evidence, *probe.near))


def drive(folder: Path, steps: Steps, size: tuple[int, int] = (80, 24), **options: Any) -> AuditApp:
    """Runs the application over ``folder`` with ``steps`` for a user, from the moment when it has read everything."""
    app = AuditApp(folder, options.pop("tree", folder), **options)

    async def all_of_it() -> None:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.desk.world.searched)
            await steps(pilot, app)

    asyncio.run(all_of_it())
    assert app.error is None
    return app


async def until(pilot: Pilot[None], true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for what threads do beside the screen."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        await pilot.pause(0.02)
    await pilot.pause()


def sheet(app: AuditApp) -> str:
    """The text of the page on the screen, all of its lines."""
    return app.query_one("#sheet", Sheet).text


def screen(app: AuditApp) -> str:
    """What the terminal shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
