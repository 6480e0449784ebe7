"""The keys of every page."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from codex_audit.tui.bars import NAMES


def _key(keys: str, action: str, told: str, *, show: bool = True, display: str | None = None) -> Binding:
    # With priority: the application then carries a key out before it looks at the next one, so that letters typed
    # right after a slash are not taken for keys. ``AuditApp.check_action`` leaves them to a line that asks for text.
    return Binding(keys, action, told, show=show, key_display=display, priority=True)


KEYS: tuple[BindingType, ...] = (
    _key("escape,backspace", "back", "Back"),
    _key("slash", "find", "Find", display="/"),
    _key("f", "filter", "Filter"),
    _key("n", "neighbour(1)", "Next"),
    _key("p", "neighbour(-1)", "Previous"),
    _key("o", "older", "Other audit"),
    _key("v", "verify(False)", "Verify"),
    _key("V", "verify(True)", "Audit again and compare", show=False),
    _key("t", "other_theme", "Theme"),
    _key("q", "leave", "Quit"),
    *(_key(str(number), f"tab({number - 1})", name, show=False) for number, name in enumerate(NAMES, 1)),
    _key("tab", "next_tab(1)", "Next tab", show=False),
    _key("shift+tab", "next_tab(-1)", "Previous tab", show=False),
)
ACTIONS = frozenset(
    ("back", "find", "filter", "neighbour", "older", "verify", "other_theme", "leave", "tab", "next_tab")
)
"""What the keys do."""
