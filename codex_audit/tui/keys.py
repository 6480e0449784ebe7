"""The keys of every page."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from codex_audit.tui.bars import NAMES

KEYS: tuple[BindingType, ...] = (
    Binding("escape,backspace", "back", "Back"),
    Binding("slash", "find", "Find", key_display="/"),
    Binding("f", "filter", "Filter"),
    Binding("n", "neighbour(1)", "Next"),
    Binding("p", "neighbour(-1)", "Previous"),
    Binding("o", "older", "Other audit"),
    Binding("v", "verify(False)", "Verify"),
    Binding("V", "verify(True)", "Audit again and compare", show=False),
    Binding("t", "other_theme", "Theme"),
    Binding("q", "quit", "Quit"),
    *(Binding(str(number), f"tab({number - 1})", name, show=False) for number, name in enumerate(NAMES, 1)),
    Binding("tab", "next_tab(1)", "Next tab", show=False, priority=True),
    Binding("shift+tab", "next_tab(-1)", "Previous tab", show=False, priority=True),
)
