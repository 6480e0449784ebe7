"""Names and contents that try to be more than text, and files that are not what they should be."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot

from codex_audit.artifacts import Evidence
from codex_audit.reports.escaping import visible
from codex_audit.stages.places import ARTIFACTS, artifact_path
from codex_audit.tui.app import AuditApp
from codex_audit.tui.desk import TABS, Desk, make_page
from codex_audit.tui.layout import GAP, column_widths, lay_out, wrap
from codex_audit.tui.page import Column, Page, Piece, Plot, Where, piece, safe
from codex_audit.tui.reading import read_audit
from codex_audit.tui.source import read_source
from codex_audit.tui.world import World
from tests.reports.hostile import ANY, HOSTILE
from tests.reports.samples import READ, SAVED, answer
from tests.tui.made import drive, screen, sheet, until, write_audit

P = Pilot[None]
PAGES = (
    *TABS,
    Where("capability", "saving"),
    Where("probe", "saving.weights"),
    Where("source", "saving.weights", 0),
    Where("source", "saving.weights", 9),
    Where("gap", "saving"),
    Where("gap", "nowhere"),
    Where("probe", "no.where"),
    Where("capability", "nowhere"),
    Where("run", "nowhere"),
    Where("subject", number=3),
)


def spoiled(folder: Path, words: str) -> Path:
    """An audit with ``words`` wherever a tree can put some."""
    path = "n" + words.replace("\0", "").replace("/", "-")  # the schema refuses what is no relative path
    place = Evidence(path, 1, words, words, "library", "called", words, words)
    probes = (answer("saving.weights", "yes", place, near=(place,), reason=words), *SAVED.probes[1:])
    return write_audit(folder, replace(SAVED, title=words or "x", probes=probes), READ)


@settings(max_examples=10)
@given(words=ANY)
@example(words=HOSTILE[9])
@example(words=HOSTILE[-1])
def test_every_page_is_lines_that_show_and_fit_whatever_the_tree_says(
    words: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = spoiled(tmp_path_factory.mktemp("spoiled"), words)
    audit = read_audit(folder)
    assert {fault.file for fault in audit.faults} <= {artifact_path("context_index")}
    desk = Desk(World(folder, folder, audit, searched=True))
    for where in PAGES:
        shown = lay_out(make_page(where, desk), 78)
        assert shown.head or shown.lines
        for line in (*shown.head, *shown.lines):
            text = "".join(one.text for one in line.fitted())
            assert visible(text) == text, (where, text)
            assert line.long or cell_len(text) <= 78, (where, text)


@pytest.mark.parametrize("number", [0, 8, 9, 12], ids=["HTML", "Rich markup", "ANSI and bidi", "long"])
def test_no_hostile_word_is_markup_on_the_screen(number: int, tmp_path: Path) -> None:
    words = HOSTILE[number]
    folder = spoiled(tmp_path / "a[red]b\x1b[31m\u202e", words)

    async def user(pilot: P, app: AuditApp) -> None:
        beginning = safe(words)[:14]
        await pilot.press("2")
        assert beginning in screen(app)
        assert "a[red]b\\x1b[31m\\u202e" in screen(app)
        await pilot.press("enter")
        assert sheet(app).count(beginning) > 2
        await pilot.press("enter")
        await until(pilot, lambda: "This is what the audit quoted" in " ".join(sheet(app).split()))

    drive(folder, user)


@pytest.mark.parametrize("name", ARTIFACTS)
@pytest.mark.parametrize(
    "kind", ["folder", "fifo", "symlink to itself", "not JSON", "of another shape", "forged"]
)
def test_a_file_that_is_no_artifact_is_a_fault_that_is_shown(name: str, kind: str, tmp_path: Path) -> None:
    folder = write_audit(tmp_path / "sample")
    file = folder / artifact_path(name)
    data = file.read_bytes()
    file.unlink()
    match kind:
        case "folder":
            file.mkdir()
        case "fifo":
            os.mkfifo(file)
        case "symlink to itself":
            file.symlink_to(file.name)
        case "not JSON":
            file.write_bytes(b"\xff{")
        case "of another shape":
            file.write_bytes(b'{"a":1}')
        case _:
            file.write_bytes(data + b"\n")
    audit = read_audit(folder)
    assert [fault.file for fault in audit.faults] == [artifact_path(name)]
    desk = Desk(World(folder, folder, audit, searched=True))
    shown = lay_out(make_page(TABS[0], desk), 78)
    assert f"{artifact_path(name)} is not shown" in "".join(
        one.text for line in shown.lines for one in line.fitted()
    )


@pytest.mark.parametrize(
    "path", ["../outside.py", "link.py", "folder", "fifo", "linked/inside.py", "gone.py"]
)
def test_a_cited_path_leads_nowhere_but_to_files_of_the_tree(path: str, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("outside\n")
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "link.py").symlink_to(tmp_path / "outside.py")
    (tree / "linked").symlink_to(tmp_path)
    (tmp_path / "inside.py").write_text("outside\n")
    os.mkfifo(tree / "fifo")
    found = read_source(tree, path, "utf-8", 1)
    assert found.fault
    assert found.lines == ()
    assert read_source(tree, str(tmp_path / "outside.py"), "utf-8", 1).fault


def test_a_credential_near_a_cited_line_is_not_shown(tmp_path: Path) -> None:
    value = "AKIA" + "Q3ZT7XKJ2M4NPLWY"
    (tmp_path / "a.py").write_text(f"import os\nkey = '{value}'\nprint(os)\n")
    found = read_source(tmp_path, "a.py", "utf-8", 3)
    text = "\n".join("".join(one.text for one in line) for line in found.lines)
    assert "import os" in text
    assert value not in text


def test_a_long_file_is_shown_around_the_cited_line_and_a_string_that_began_above_is_known(
    tmp_path: Path,
) -> None:
    lines = ['"""', *(f"word {number}" for number in range(500)), '"""', *("x = 1" for _ in range(500))]
    (tmp_path / "a.py").write_text("\n".join(lines))
    found = read_source(tmp_path, "a.py", "utf-8", 400)
    assert (found.first, len(found.lines), found.total) == (340, 121, 1002)
    assert {one.tone for line in found.lines for one in line} == {"string"}


def test_a_folder_that_goes_away_and_an_unwritable_one_do_no_harm(tmp_path: Path) -> None:
    folder = write_audit(tmp_path / "sample")

    async def user(pilot: P, app: AuditApp) -> None:
        shutil.rmtree(folder)
        await until(pilot, lambda: "There is no audit in" in sheet(app))

    drive(folder, user)


columns = st.lists(
    st.builds(
        Column,
        st.sampled_from(["", "Name"]),
        st.integers(0, 30),
        st.booleans(),
        st.integers(0, 3),
        st.integers(1, 20),
    ),
    min_size=1,
    max_size=6,
)


@given(columns=columns, width=st.integers(1, 200))
def test_columns_fill_the_screen_or_only_those_that_must_stay_are_left(
    columns: list[Column], width: int
) -> None:
    widths = column_widths(columns, width)
    kept = [one for one in widths if one]
    if sum(kept) + GAP * (len(kept) - 1) > width:
        assert all(column.spare == 0 for column, cells in zip(columns, widths, strict=True) if cells)


@given(words=ANY, width=st.integers(10, 120), indent=st.integers(0, 4), hang=st.integers(0, 4))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(
    words: str, width: int, indent: int, hang: int
) -> None:
    lines = ["".join(one.text for one in line) for line in wrap([piece(words)], width, indent, hang)]
    assert all(cell_len(line) <= max(width, indent + hang + 4) for line in lines)
    assert "".join(lines).replace(" ", "") == safe(words).replace(" ", "")


numbers = st.floats(width=64) | st.sampled_from([float("nan"), float("inf"), 1.7e308, -1.7e308, 0.0])


@given(points=st.lists(st.tuples(numbers, numbers), max_size=40), width=st.integers(20, 160))
def test_any_curve_can_be_drawn(points: list[tuple[float, float]], width: int) -> None:
    shown = lay_out(Page("", (Plot(tuple(points), tuple(points[:2])),)), width)
    for line in shown.lines:
        assert cell_len("".join(one.text for one in line.pieces)) <= max(width, 60)


def test_a_falling_loss_falls_on_the_screen() -> None:
    shown = lay_out(Page("", (Plot(tuple((float(n), 100.0 - n) for n in range(100)), ()),)), 60)
    rows = ["".join(one.text for one in line.pieces)[10:] for line in shown.lines[:-1]]
    ends = [len(row.rstrip()) for row in rows]
    assert ends == sorted(ends)
    assert isinstance(shown.lines[0].pieces[0], Piece)
