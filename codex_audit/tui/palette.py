"""The command palette: what can always be done, and every capability, probe, gap and run by its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.command import Hit, Hits, Provider
from textual.content import Content

from codex_audit.tui.bars import NAMES
from codex_audit.tui.page import Where, safe

if TYPE_CHECKING:
    from codex_audit.tui.app import AuditApp
    from codex_audit.tui.world import World

_MOST = 50


def commands(app: AuditApp, groups: tuple[str, ...]) -> Iterator[SystemCommand]:
    """Pages, the filters that the page on the screen offers, and what else has a key."""
    for number, name in enumerate(NAMES):
        yield SystemCommand(name, f"Show the page {name}", partial(app.action_tab, number))
    for group in groups:
        yield SystemCommand(f"Filter: {group}", "Show these rows alone", partial(app.filter_by, group))
    yield SystemCommand("Verify", "Verify the audit and every run here", partial(app.action_verify, False))
    again = partial(app.action_verify, True)
    yield SystemCommand("Verify by auditing again", "Also audit the tree again and compare", again)
    yield SystemCommand("Light or dark", "Use the other theme", app.action_other_theme)
    yield SystemCommand("Keys", "Show every key", app.action_show_help_panel)
    yield SystemCommand("Quit", "Leave", app.action_quit)


def places(world: World) -> Iterator[tuple[str, Where]]:
    """What the palette can open, by the words that it is found by."""
    for one in world.audit.scored.capabilities if world.audit.scored else ():
        yield safe(f"{one.title} ({one.id})", 120), Where("capability", one.id)
    for name in world.audit.answers:
        yield safe(f"probe {name}", 120), Where("probe", name)
    for plan in world.audit.gaps.plans if world.audit.gaps else ():
        yield safe(f"gap {plan.title}", 120), Where("gap", plan.capability)
    for run in world.runs:
        yield safe(f"run {run.name} {run.folder.name}", 120), Where("run", str(run.folder))


class Places(Provider):
    """Finds pages by their names."""

    async def search(self, query: str) -> Hits:
        from codex_audit.tui.app import AuditApp

        app = self.app
        if not isinstance(app, AuditApp):
            return
        wanted = query.lower().split()
        found = 0
        for name, where in places(app.desk.world):
            # Not the matcher of Textual: it reads markup from the names.
            if found < _MOST and all(word in name.lower() for word in wanted):
                found += 1
                yield Hit(
                    len(query) / (len(name) + 1), Content(name), partial(app.open_page, where), text=name
                )
