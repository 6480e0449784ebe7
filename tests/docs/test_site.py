"""The documentation site builds from the checkout alone, without a dead link, and needs nothing else to be read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]

pytest.importorskip("zensical")


class Addresses(HTMLParser):
    """Every address in a page: those that a browser loads, those that a reader may follow, and the places in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.follows: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if "src" in found:
            self.loads.append(found["src"])
        if "href" in found:
            (self.follows if tag in ("a", "area") else self.loads).append(found["href"])


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def copy(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy(tmp_path_factory.mktemp("site"))
    done = build(folder)
    assert done.returncode == 0, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)[-3000:]
    return folder / str(SETTINGS["site_dir"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Addresses]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        found[path] = Addresses()
        found[path].feed(path.read_text(encoding="utf-8"))
    return found


def named(nav: list[object]) -> list[str]:
    """The pages that the navigation names."""
    found: list[str] = []
    for entry in nav:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += named(value) if isinstance(value, list) else [str(value)]
    return found


def test_every_page_is_in_the_navigation() -> None:
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(named(SETTINGS["nav"])) == there


def test_site_is_read_without_a_network(pages: dict[Path, Addresses]) -> None:
    assert len(pages) > 10
    loads = [(path.name, address) for path, page in pages.items() for address in page.loads]
    assert [one for one in loads if urlsplit(one[1]).netloc] == []


def test_every_address_within_the_site_leads_somewhere(site: Path, pages: dict[Path, Addresses]) -> None:
    dead = []
    for path, page in pages.items():
        for address in (*page.loads, *page.follows):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_relative_to(site.resolve()):
                continue  # a file of the repository, for readers of a clone
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                dead.append(f"{path.name}: {address}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                dead.append(f"{path.name}: {address} has no such place")
    assert dead == []


@pytest.mark.usefixtures("site")  # which builds: the link is the one difference
@pytest.mark.parametrize("link", ["[gone](gone.md)", "[gone](limits.md#gone)"])
def test_a_dead_link_stops_the_build(link: str, tmp_path: Path) -> None:
    folder = copy(tmp_path)
    with (folder / "docs" / "index.md").open("a") as page:
        page.write(f"\n{link}\n")
    assert build(folder).returncode != 0
