"""A dark and a light theme. Each colour of text has a contrast of 4.5 to 1 or more on its background (WCAG 2.2,
1.4.3)."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="codex-dark",
    primary="#6cb6ff",
    secondary="#96d0ff",
    accent="#6cb6ff",
    foreground="#d7dde4",
    background="#14181d",
    surface="#1b2027",
    panel="#262d36",
    success="#6fcf7f",
    warning="#e3b341",
    error="#ff8178",
    dark=True,
    variables={
        "codex-dim": "#93a0ad",
        "codex-accent": "#6cb6ff",
        "codex-good": "#6fcf7f",
        "codex-fair": "#e3b341",
        "codex-bad": "#ff8178",
        "codex-keyword": "#d2a8ff",
        "codex-cursor": "#2d4565",
        "codex-mark": "#3d3a1c",
    },
)

LIGHT = Theme(
    name="codex-light",
    primary="#0550ae",
    secondary="#0a3069",
    accent="#0550ae",
    foreground="#1f2328",
    background="#ffffff",
    surface="#f6f8fa",
    panel="#e4e9ef",
    success="#116329",
    warning="#7d4e00",
    error="#b3141d",
    dark=False,
    variables={
        "codex-dim": "#545d66",
        "codex-accent": "#0550ae",
        "codex-good": "#116329",
        "codex-fair": "#7d4e00",
        "codex-bad": "#b3141d",
        "codex-keyword": "#6639ba",
        "codex-cursor": "#cfe3fb",
        "codex-mark": "#fff3bf",
    },
)
