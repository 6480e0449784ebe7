"""Whole screens, compared with pictures of them. After a wanted change: pytest tests/tui --snapshot-update."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from codex_audit.tui.app import AuditApp
from codex_train.recorder import opening
from codex_train.recorder.environment import Environment
from tests.recorder.made_up import make_run
from tests.tui.made import changed, until, write_audit

MACHINE: dict[str, Any] = {
    "schema": "codex-train/run_environment/v1",
    "class": {
        "machine": "x86_64",
        "cpu_vendor": "GenuineIntel",
        "cpu_features": ["avx", "avx2"],
        "torch": None,
        "cuda": None,
        "world_size": 1,
        "backend": "",
        "variables": {},
    },
    "detail": {
        "python": "CPython 3.11.7",
        "platform": "Linux 6.1.0 glibc-2.36",
        "cpu": "Xeon",
        "cores": 2,
        "memory": 8589934592,
        "gpu_driver": "",
        "packages": [],
        "code": None,
        "variables": {"LANG": "C.UTF-8"},
        "settings": {},
        "notes": [],
    },
}
"""How long the page of a run is depends on the machine that made it, and on whether torch was imported before."""

Compare = Callable[..., bool]
HERE = Path("sample")
"""Relative: no picture may hold the path of a temporary folder."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with nothing in it but an empty ``sample``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / HERE).mkdir()
    return tmp_path / HERE


def presses(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Presses ``keys`` once everything was read, and waits for the page that they lead to."""

    async def before(pilot: Pilot[None]) -> None:
        app: Any = pilot.app

        def there(depth: int) -> bool:
            return len(app._stack) >= depth and app._frame.title != ""

        await until(pilot, lambda: app.desk.world.searched)
        for key in keys:
            depth = len(app._stack) + (key == "enter")
            await pilot.press(key)
            await until(pilot, partial(there, depth))

    return before


@pytest.mark.parametrize(
    ("size", "light"), [((80, 24), False), ((140, 30), True)], ids=["narrow-dark", "wide-light"]
)
def test_matrix(snap_compare: Compare, folder: Path, size: tuple[int, int], light: bool) -> None:
    write_audit(folder)
    app = AuditApp(HERE, HERE, light=light)
    assert snap_compare(app, terminal_size=size, run_before=presses("down"))


@pytest.mark.parametrize(
    "keys",
    [("2", "enter"), ("2", "enter", "enter"), ("3", "enter"), ("2", "f")],
    ids=["probe", "source", "gap", "filtered"],
)
def test_pages_of_an_audit(snap_compare: Compare, folder: Path, keys: tuple[str, ...]) -> None:
    write_audit(folder)
    assert snap_compare(AuditApp(HERE, HERE), run_before=presses(*keys))


def test_diff(snap_compare: Compare, folder: Path) -> None:
    write_audit(folder)
    write_audit(folder / "older", *changed())
    assert snap_compare(AuditApp(HERE, HERE), run_before=presses("5", "enter"))


def test_run(snap_compare: Compare, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "now", lambda: "2026-03-04T05:06:07.000000Z")
    monkeypatch.setattr("codex_train.recorder.recorder.now", lambda: "2026-03-04T06:06:07.000000Z")
    monkeypatch.setattr("secrets.token_hex", lambda size: "5a" * size)
    monkeypatch.setattr("tests.recorder.made_up.record_environment", lambda: Environment(MACHINE, {}))
    make_run(folder / "runs" / "first")
    assert snap_compare(AuditApp(HERE, HERE), run_before=presses("4", "enter"))


def test_nothing_there(snap_compare: Compare) -> None:
    assert snap_compare(AuditApp(HERE, HERE), terminal_size=(80, 12), run_before=presses())
