from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import codex_audit
from codex_audit.status.checklist import summed
from codex_audit.status.markdown import prose, write
from codex_audit.status.model import CATEGORIES, StatusUpdate
from tests.status.checker import check
from tests.status.planting import CLEAN, commit, known_of, planted, run_git, update_of

ROOT = Path(codex_audit.__file__).parent.parent
PARTS = (
    "codex_evidence",
    "codex_audit/status",
    "codex_audit/commands",
    "codex_train/checkpoints",
    "codex_train/engine",
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StatusUpdate]:
    """A part of this project that trains and saves, as it stands, and its update."""
    tree = tmp_path_factory.mktemp("own")
    for part in (*PARTS, "tests/status", "tests/checkpoints"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tree / name)
    return tree, update_of(tree)


def test_every_cited_line_exists_and_holds_the_named_symbol(own: tuple[Path, StatusUpdate]) -> None:
    checked = check(*own)
    assert checked.wrong == ()
    assert checked.cited > 40 and checked.named > checked.cited * 0.6 and checked.printed > 40


def test_the_parts_stand_in_order_and_the_report_is_short_enough_to_read(
    own: tuple[Path, StatusUpdate],
) -> None:
    text = write(own[1]).decode()
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "1. In one minute",
        "2. Repo map",
        "3. Capability audit",
        "4. High-signal findings",
        "5. Atomic diffs",
        "6. Local tests and gates",
        "7. Reproducibility checklist",
        "8. Deferred items",
        "9. Error capture",
        "10. Outstanding questions",
        "11. Task sequence",
    ]
    assert text.count("\n") <= 400
    assert [phase.title for phase in own[1].phases] == [
        "Preparation",
        "Search and mapping",
        "Best-effort construction",
        "Controlled pruning",
        "Error capture",
        "Finalization",
    ]
    assert [row.category for row in own[1].tested] == list(CATEGORIES)
    assert len(own[1].checklist) == 12


def test_an_empty_tree_and_one_without_git_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = update_of(tmp_path / "empty")
    assert "no code" in empty.summary[0]
    assert (empty.findings, empty.gates, empty.repo_map.areas) == ((), (), ())
    plain = update_of(
        planted(tmp_path / "plain", {**CLEAN, "CHANGELOG.md": "# Changelog\n\n## 1.2.0\n\nWords.\n"})
    )
    assert plain.repo_map.changes.reason == "the folder is in no git repository"
    assert [item.place for item in plain.repo_map.changes.changelog] == ["CHANGELOG.md:3"]
    for update in (empty, plain):
        assert write(update).decode().startswith("# Status update")


def test_recent_changes_come_from_git_and_their_times_from_the_commits(tmp_path: Path) -> None:
    tree = planted(tmp_path, CLEAN, git=True)
    (tree / "adder" / "sums.py").write_text("def total(numbers):\n    return sum(numbers, 0)\n")
    commit(tree, "Add from | zero <b>", "2026-02-03T23:30:00-05:00")
    changes = update_of(tree).repo_map.changes
    assert [(item.date, item.subject) for item in changes.commits] == [
        ("2026-02-04", "Add from | zero <b>"),
        ("2026-01-02", "First"),
    ]
    assert changes.busiest[0] == ("adder/sums.py", 2)


def test_a_credential_in_the_subject_of_a_commit_is_not_shown(tmp_path: Path) -> None:
    tree = planted(tmp_path, CLEAN, git=True)
    (tree / "more.txt").write_text("more\n")
    value = "gh" + "p_" + "Q3zT7xKj2M4nPlWyR8sVbC6dF1gH5aE9uYtB"
    commit(tree, f"{'Take out the token ' * 5}{value}", "2026-02-03T23:30:00-05:00")
    subject = update_of(tree).repo_map.changes.commits[0].subject
    assert ("[redacted GitHub token]" in subject, value[:12] in subject) == (True, False)


def test_a_hostile_configuration_of_git_runs_nothing(tmp_path: Path) -> None:
    tree = planted(tmp_path / "tree", {**CLEAN, ".gitattributes": "*.py diff=evil\n"}, git=True)
    mark = tmp_path / "owned"
    for key in (
        "gpg.program",
        "diff.evil.textconv",
        "diff.evil.command",
        "diff.external",
        "core.fsmonitor",
        "core.pager",
    ):
        run_git(tree, "config", key, f"touch {mark};")
    run_git(tree, "config", "log.showSignature", "true")
    assert update_of(tree).repo_map.changes.commits
    assert not mark.exists()


def test_the_same_tree_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    first, second = (planted(tmp_path / name, CLEAN, git=True) for name in ("a", "b"))
    assert write(update_of(first)) == write(update_of(second))


def test_nobody_is_told_to_add_what_a_source_distribution_leaves_out(tmp_path: Path) -> None:
    info = "Metadata-Version: 2.1\nName: adder\nVersion: 1.0.3\n"
    bare = {path: text for path, text in CLEAN.items() if path != "tests/test_main.py"}
    update = update_of(planted(tmp_path, {**bare, "PKG-INFO": info}))
    assert any("source distribution" in line for line in update.summary)
    assert (update.release, update.diffs) == ("1.0.3", ())
    asked = {probe for item in update.no_diffs for probe, _ in item.steps}
    assert not asked & {"security.policy", "ci.pipeline", "ci.hooks", "docs.changelog", "training.tests"}
    rows = {row.id: row for row in update.capabilities}
    assert "has a security policy" in rows["security"].unshipped and rows["docs"].unshipped
    assert "Not shipped:" in write(update).decode()


def test_what_must_not_be_there_is_a_finding_at_its_place_and_no_value_is_shown(tmp_path: Path) -> None:
    secret = "AKIA" + "QYLPMN5HFIQR7BCD"
    code = (
        f'import pickle\n\nKEY = "{secret}"\n\n\ndef load(path):\n    return pickle.load(open(path, "rb"))\n'
    )
    tree = planted(tmp_path, {**CLEAN, "adder/load.py": code})
    update = update_of(tree)
    found = {finding.detector: finding for finding in update.findings}
    assert [item.place for item in found["security.clean-tree"].places] == ["adder/load.py:3"]
    assert [item.place for item in found["security.safe-load"].places] == ["adder/load.py:7"]
    assert {found["security.clean-tree"].level, found["security.safe-load"].level} == {"high"}
    assert secret not in str(update) + write(update).decode()
    assert check(tree, update).wrong == ()


def test_a_low_share_of_tested_places_is_said(tmp_path: Path) -> None:
    code = (
        "import logging\n\nlog = logging.getLogger(__name__)\n\n\ndef work():\n    log.info('working')\n"
        "\n\nif __name__ == '__main__':\n    work()\n"
    )
    row = {
        row.id: row for row in update_of(planted(tmp_path, {**CLEAN, "adder/work.py": code})).capabilities
    }["monitoring"]
    assert "tests reach 0% of what was found" in row.held


def test_a_broken_file_becomes_an_error_block(tmp_path: Path) -> None:
    (block,) = update_of(planted(tmp_path, {**CLEAN, "adder/broken.py": "def f(:\n"})).errors
    assert block.context == "adder/broken.py:1"


HOSTILE = {
    "html.<script>alert(1)</script>.py": "def f():\n    pass\n\n\ndef g():\n    pass\n",
    "pipe|`tick`|.py": "def f():\n    pass\n\n\ndef g():\n    pass\n",
    "rtl\u202egpj.log": "x\n",
    "esc\x1b[31mred.log": "x\n",
    "[link](https://example.org).log": "x\n",
    "long" + "g" * 200 + "/" + "h" * 240 + ".log": "x\n",
    "README.md": "# <img src=x onerror=alert(1)> | [b]rich[/b] `" + "A" * 10_000 + "`\n",
    "CHANGELOG.md": "# Changelog\n\n## 1.0 <script>alert(1)</script> | `\u202e`\n",
    "docs/status_update_outstanding_questions.md": "| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n"
    "| <script>alert(1)</script> | `\\` | ``` | [x](javascript:alert(1)) | \x1b[31m | "
    + "B" * 10_000
    + " |\n",
}


def test_hostile_names_and_contents_show_as_data(tmp_path: Path) -> None:
    tree = planted(tmp_path, {**CLEAN, **HOSTILE}, git=True)
    commit(tree, "<script>alert(1)</script> | ![x](y) `z` \u202e \x1b[31m" + "C" * 10_000)
    update = update_of(tree)
    text = write(update).decode()
    assert not set("\x1b\u202e\x07\x00") & set(text)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}
    assert len([token for token in tokens if token.type == "heading_open" and token.tag == "h2"]) == 11
    _tables_are_whole(text)
    assert check(tree, update).wrong == ()


def _tables_are_whole(text: str) -> None:
    """Every row has the cells of its head: nothing broke out of one."""
    width = head = 0
    rows = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "tr_open":
            width = 0
        elif token.type in ("th_open", "td_open"):
            width += 1
        elif token.type == "thead_close":
            head = width
        elif token.type == "thead_open":
            head = 0
        elif token.type == "tr_close" and head:
            rows += 1
            assert width == head
    assert rows > 30


@given(st.text())
def test_a_sentence_never_opens_markup(value: str) -> None:
    shown = prose(value)
    tokens = MarkdownIt("commonmark").parseInline(shown)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"html_inline", "link_open", "image", "softbreak", "hardbreak"}


Verdicts = st.lists(st.sampled_from(["yes", "no", "unknown", "not_applicable"]))


@given(Verdicts)
def test_an_item_is_yes_only_if_all_that_applies_is(verdicts: list[str]) -> None:
    asked = [verdict for verdict in verdicts if verdict != "not_applicable"]
    answer = summed(verdicts)
    assert (answer == "yes") == (bool(asked) and set(asked) == {"yes"})
    assert (answer == "not applicable") == (not asked)
    assert answer != "no" or "yes" not in asked
    assert answer == summed(verdicts[::-1])


def test_the_checklist_cites_what_sets_variables_and_toggles(tmp_path: Path) -> None:
    code = (
        "import os\n\nimport torch\n\n\ndef fix():\n    os.environ['PYTHONHASHSEED'] = '0'\n"
        "    torch.backends.cudnn.deterministic = True\n\n\nif __name__ == '__main__':\n    fix()\n"
    )
    rows = {row.item: row for row in update_of(planted(tmp_path, {**CLEAN, "adder/fix.py": code})).checklist}
    assert (rows["Variables"].answer, rows["Variables"].places[0].place) == ("partly", "adder/fix.py:7")
    assert "CUBLAS_WORKSPACE_CONFIG" in rows["Variables"].notes[1]
    assert (rows["CUDA toggles"].answer, rows["CUDA toggles"].places[0].place) == ("yes", "adder/fix.py:8")
    assert rows["Artifact digests"].answer == "no"


def test_the_ways_of_the_workflow_are_deferred_with_their_reasons(tmp_path: Path) -> None:
    files = {**CLEAN, "workflow.yaml": "disable:\n  config.sweep: run elsewhere\n"}
    items = known_of(planted(tmp_path, files)).workflow.disable
    update = update_of(tmp_path)
    assert items == {"config.sweep": "run elsewhere"}
    assert ("`config.sweep` is not asked", "run elsewhere") in [
        (item.what, item.reason) for item in update.deferred
    ]
