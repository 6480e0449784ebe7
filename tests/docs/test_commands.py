"""The commands that README and the pages of ``docs/`` show are typed by a reader who has nothing but them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.cli import write_tree
from tests.docs.console import Outcome, Step, home, play, steps

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if steps(path.read_text(encoding="utf-8"))
]


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, str]:
    """Whoever reads, with a repository of their own at ``~/src/trainer``."""
    environment = home(tmp_path, ROOT)
    trainer = write_tree(tmp_path / "src" / "trainer")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", *words], cwd=trainer, env=environment, check=True)
    return environment


def report(page: str, wrong: list[Outcome]) -> str:
    return "\n".join(
        f"{page}:{one.step.line}: $ {one.step.command}\nexit code {one.code}, printed:\n{one.printed}"
        for one in wrong
    )


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_do_what_it_shows(page: str, tmp_path: Path, reader: dict[str, str]) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    outcomes = play(steps((ROOT / page).read_text(encoding="utf-8")), folder, reader)
    first = outcomes[0]
    if first.step.command.startswith("pip download") and first.code != 0:
        pytest.skip(f"pip reaches no index: {first.printed[-300:]}")
    assert not (wrong := [one for one in outcomes if not one.is_as_shown]), report(page, wrong[:3])


def test_tutorial_and_readme_are_among_the_pages() -> None:
    assert {"README.md", "docs/tutorial.md"} <= set(PAGES)


def test_a_session_reports_what_a_page_has_wrong(tmp_path: Path) -> None:
    page = (
        "```console\n$ mkdir new && cd new\n$ basename $PWD\nold\n$ cat <<END\n> a\n> b\n> END\na\n...\n"
        "$ false\n$ echo fine\nf...e\n```\n\n```sh\n$ not run\n```\n"
    )
    assert steps(page)[2] == Step(5, "cat <<END\na\nb\nEND", "a\n...\n")
    done = play(steps(page), tmp_path, {"PATH": os.environ["PATH"]})
    assert [(one.step.line, one.code, one.is_as_shown) for one in done] == [
        (2, 0, True),
        (3, 0, False),
        (5, 0, True),
        (11, 1, False),
        (12, 0, True),
    ]


def test_a_command_that_ends_the_session_is_no_success(tmp_path: Path) -> None:
    page = "```console\n$ exit 0\n$ echo never\n```\n"
    assert [one.code for one in play(steps(page), tmp_path, {"PATH": os.environ["PATH"]})] == [None, None]


def test_python_of_the_reader_is_this_one(tmp_path: Path) -> None:
    (only,) = play([Step(1, "python -c 'import sys; print(sys.prefix)'", "")], tmp_path, home(tmp_path, ROOT))
    assert only.printed.strip() == sys.prefix
