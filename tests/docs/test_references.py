"""Pages that repeat what the program knows say the same as the program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from codex_audit.release.check import ITEMS
from codex_audit.reports.formats import FORMATS
from codex_evidence.schemas import schema_names
from scripts.reference_pages import ROOMS, pages

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_pages_repeat_what_is_there() -> None:
    """Else: ``python -m scripts.reference_pages``."""
    stale = [name for name, text in pages().items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert stale == []


def test_pages_that_repeat_are_found() -> None:
    assert list(pages()) == ["docs/artifacts.md", "docs/configuration.md", "docs/release_check.md"]
    for name, file in (
        ("configuration.md", "codex_audit/default_workflow.yaml"),
        ("release_check.md", "codex_audit/release/default.yaml"),
    ):
        assert f"```yaml\n{(ROOT / file).read_text(encoding='utf-8')}```\n" in page(name)


def test_every_schema_has_its_place_and_heading() -> None:
    assert sorted(name for *_, places in ROOMS for name in places) == sorted(schema_names())
    assert [name for name in schema_names() if f"\n### {name}\n" not in page("artifacts.md")] == []


def test_release_check_lists_every_item_in_order() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", page("release_check.md"), re.M)
    assert [name for row in rows for name in re.findall("[a-z_]+", row)] == [item.name for item in ITEMS]


def test_architecture_lists_the_rooms_in_the_order_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (order,) = (one["layers"] for one in contracts if one["type"] == "layers")
    rooms = page("architecture.md").partition("## Rooms of the auditor")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", rooms, re.M) == [name.strip("()") for name in order]


def test_configuration_and_formats_agree() -> None:
    assert all(row.name in page("configuration.md") for row in FORMATS)
