"""Suppressing findings of scanners in the settings: what may be said, and where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_audit.reports.formats import FORMATS
from codex_audit.scanners.rules import SuppressRule
from codex_audit.workflow.load import load_workflow
from codex_audit.workflow.settings import Vocabulary
from codex_evidence.errors import UsageError

NAMES = Vocabulary(probes=(), formats=tuple(row.name for row in FORMATS))
TABLE = """[[tool.codex-audit.suppress]]
rule = "B101"
path = "tests/**"
reason = "tests assert"
expires = 2027-06-30
"""
QUOTED = "{rule: B101, path: 'tests/**', reason: tests assert, expires: '2027-06-30'}"
GOOD = "{rule: B101, path: 'tests/**', reason: tests assert, expires: 2027-06-30}"


def suppressed(tree: Path, text: str, name: str = "workflow.yaml") -> tuple[SuppressRule, ...]:
    (tree / name).write_text(text, encoding="utf-8")
    return load_workflow(tree, None, NAMES).workflow.suppress


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("workflow.yaml", f"threshold: 0.5\nsuppress:\n  - {GOOD}\n", 3),
        ("workflow.yaml", f"suppress: [{QUOTED}]\n", 1),
        ("pyproject.toml", TABLE, 1),
    ],
)
def test_an_entry_is_read_with_its_line(tmp_path: Path, name: str, text: str, line: int) -> None:
    (rule,) = suppressed(tmp_path, text, name)
    assert rule == SuppressRule("B101", "tests/**", "tests assert", "2027-06-30", name, line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("suppress: B101\n", "workflow.yaml:1: suppress must be a list"),
        ("suppress:\n  - B101\n", "workflow.yaml:2: an entry of suppress needs rule"),
        (
            f"suppress:\n  - {GOOD}\n  - {GOOD.replace('rule: B101, ', '')}\n",
            "workflow.yaml:3: an entry of suppress needs a rule",
        ),
        (
            f"suppress:\n  - {GOOD.replace(', expires: 2027-06-30', '')}\n",
            "workflow.yaml:2: an entry of suppress needs expires",
        ),
        (
            f"suppress:\n  - {GOOD.replace('2027-06-30', 'soon')}\n",
            "needs expires, a day such as 2027-06-30, not 'soon'",
        ),
        (f"suppress:\n  - {GOOD.replace('reason: tests assert', 'reason: 3')}\n", "needs a reason in words"),
        (f"suppress:\n  - {GOOD.replace('rule', 'rules')}\n", "unknown key 'rules'; did you mean 'rule'?"),
        (f"suppress:\n  - {GOOD.replace('tests/**', '../x')}\n", "'../x' matches nothing"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        suppressed(tmp_path, text)
    assert message in str(caught.value)


def test_nothing_is_suppressed_by_default(tmp_path: Path) -> None:
    assert load_workflow(tmp_path, None, NAMES).workflow.suppress == ()


def test_what_the_tree_itself_suppresses_is_noted(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(f"suppress:\n  - {GOOD}\n")
    assert any(
        "1 suppressed rules of scanners" in note for note in load_workflow(tmp_path, None, NAMES).notes
    )
