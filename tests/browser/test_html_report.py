"""The HTML report of a real audit, opened and clicked in headless Chromium, and judged by axe."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands.cli import audited, write_tree

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SOURCE = '''\
"""<script>alert(1)</script> [bold]\x1b[31m | `code` \u202e"""
import torch


def save(model, path="</details><script>alert(1)</script>"):
    torch.save(model.state_dict(), path)  # <img src=x onerror=alert(1)> {}
'''.format("x" * 10_000)


def _browser() -> str:
    """Chromium's path; skips, and says why, where a part is missing."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("Chromium is not installed (Debian package chromium)")
    if shutil.which("node") is None:
        pytest.skip("node is not installed (Debian package nodejs)")
    if not (HERE / "node_modules" / "axe-core").is_dir():
        pytest.skip("tests/browser/node_modules is missing; make it with: npm ci --prefix tests/browser")
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    browser = _browser()
    tree = write_tree(tmp_path_factory.mktemp("browser") / "tree")
    hostile = tree / "pkg" / "<img src=x onerror=alert(1)>"
    hostile.mkdir()
    for name in ("save.py", "a | b `c` \u202e.py", "\u0645\u0644\u0641.py", "[bold red].py"):
        (hostile / name).write_text(SOURCE, encoding="utf-8")
    reports = audited(tree)["reports"]
    command = ["node", str(HERE / "look.mjs"), str(tree / reports["report:html"]), browser]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(seen: dict[str, Any], scheme: str) -> None:
    assert seen[scheme]["violations"] == []


def test_light_and_dark_differ_and_paper_is_white(seen: dict[str, Any]) -> None:
    assert seen["light"]["background"] == "rgb(255, 255, 255)" == seen["printed"]["background"]
    assert seen["dark"]["background"] == "rgb(20, 23, 26)"


def test_nothing_is_asked_of_a_network_and_no_hostile_word_runs(seen: dict[str, Any]) -> None:
    assert seen["others"] == []
    assert seen["messages"] == []


def test_a_click_and_a_key_open_and_close_a_question(seen: dict[str, Any]) -> None:
    assert seen["clicked"]["byMouse"]
    assert seen["clicked"]["byKey"]


def test_links_lead_to_sections_and_open_the_question_they_name(seen: dict[str, Any]) -> None:
    assert abs(seen["clicked"]["section"]) < 60
    assert seen["clicked"]["revealed"]


def test_the_keyboard_finds_the_content_first(seen: dict[str, Any]) -> None:
    assert seen["keyboard"] == {"first": "Skip to the content", "then": "content"}


def test_paper_has_every_answer_and_no_navigation(seen: dict[str, Any]) -> None:
    assert seen["printed"]["hidden"] == 0
    assert seen["printed"]["navigation"] == "none"


def test_a_narrow_screen_needs_no_sideways_scrolling(seen: dict[str, Any]) -> None:
    assert seen["beyond"] <= 0


def test_all_of_it_is_there_without_scripts(seen: dict[str, Any]) -> None:
    assert seen["textWithoutScripts"] > 5_000
