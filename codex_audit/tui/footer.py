"""The last line of the screen: the keys that do something here."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static


class Footer(Static):
    """One line of text. That of Textual is a widget a key, and to make them again takes longer than a page."""

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self._ends: list[tuple[int, str]] = []
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        self._changed(self.screen)

    def on_click(self, event: events.Click) -> None:
        """Does what the key under the mouse does."""
        key = next((key for end, key in self._ends if event.x < end), None)
        if key:
            self.app.simulate_key(key)

    def _changed(self, screen: Screen[object]) -> None:
        shown = _shown(screen)
        palette = self.app.COMMAND_PALETTE_BINDING
        parts: list[tuple[str, str]] = []
        end = 0
        self._ends = []
        for binding in (one for one in shown if one.key != palette):
            key = self.app.get_key_display(binding)
            parts += [(f" {key} ", "bold $codex-accent"), (binding.description, "")]
            end += cell_len(key) + 2 + cell_len(binding.description)
            self._ends.append((end, binding.key))
        right = next((f"{self.app.get_key_display(one)} palette " for one in shown if one.key == palette), "")
        room = self.size.width - end
        if room > cell_len(right):
            parts.append((right.rjust(room), "bold $codex-accent"))
            self._ends += [(end + room - len(right), ""), (end + room, palette)]
        self.update(Content.assemble(*parts), layout=False)


def _shown(screen: Screen[object]) -> list[Binding]:
    """What can be done on ``screen`` and is to be shown, each action once."""
    found: dict[str, Binding] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and (binding.show or binding.action == "command_palette"):
            found.setdefault(binding.action, binding)
    return list(found.values())
