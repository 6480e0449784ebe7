"""What a user does with keys, on folders as they are on disk."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from codex_audit.progress import DOING
from codex_audit.stages.places import MARKER, artifact_path
from codex_audit.tui.app import AuditApp
from codex_audit.tui.page import Where
from tests.commands.cli import audited, command, write_tree
from tests.recorder.made_up import make_run, opened, steps
from tests.tui.made import changed, drive, screen, sheet, until, write_audit

P = Pilot[None]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with its own audit, an older one and a run, not to be changed."""
    tree = write_tree(tmp_path_factory.mktemp("real") / "tree")
    audited(tree)
    shutil.copytree(tree / "audit_artifacts", tree / "older" / "audit_artifacts")
    make_run(tree / "runs" / "first")
    return tree


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_audit(tmp_path / "sample")


async def keys(pilot: P, app: AuditApp, *pressed: str) -> str:
    """What is on the page after these keys."""
    await pilot.press(*pressed)
    await until(pilot, lambda: app._frame.title != "")
    return sheet(app)


def test_a_real_audit_from_the_matrix_down_to_the_cited_line_and_back(real: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        assert "Checkpointing and resume" in sheet(app)
        page = await keys(pilot, app, "2", "slash", *"ng.weights", "enter")
        assert page.count("checkpointing.") == 1
        assert "Saves model weights during or after training?" in await keys(pilot, app, "enter")
        assert "What would change the answer" in sheet(app)
        assert "Why it is asked" in sheet(app)
        assert "▶16      torch.save(model.state_dict(), path)" in await keys(pilot, app, "enter")
        assert "changed since" not in sheet(app)
        assert "Why it is asked" in await keys(pilot, app, "escape")
        assert "checkpointing.weights" in await keys(pilot, app, "escape")
        assert "1 of" in screen(app)
        assert "tokenization.load" in await keys(pilot, app, "escape")

    drive(real, user)


def test_a_gap_has_its_risk_its_plan_and_the_way_back(real: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        page = await keys(pilot, app, "3", "enter")
        places = [page.index(title) for title in ("Why the score", "Risk", "Patch plan", "The way back")]
        assert places == sorted(places)
        assert "▸ tokenization." in page

    drive(real, user)


def test_a_run_has_its_curve_checkpoints_and_environment_and_is_verified_there(real: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        page = await keys(pilot, app, "4", "enter")
        assert "5.5000 at step 1 to 0.5500 at step 10" in page
        assert "goes on from step 5" in page
        assert "⠉" in page or "⡇" in page
        assert [word for word in ("step-000003", "step-000005", "step-000008") if word in page]
        assert page.index("removed") < page.index("step-000005")
        assert "torch" in page or "machine" in page
        assert "Not verified yet" in page
        await pilot.press("v")
        await until(pilot, lambda: "CONSISTENT: " in sheet(app))
        assert "weakest link" in sheet(app)

    drive(real, user)


def test_a_verification_goes_on_before_the_eyes_and_says_what_changed(real: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(real, tree)
    (tree / "pkg" / "train.py").write_text("# all gone\n")
    weights = next((tree / "runs/first/checkpoints").glob("*/model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    seen: list[str] = []

    async def user(pilot: P, app: AuditApp) -> None:
        app.simulate_key("v")  # and no waiting until all is still
        while not app.desk.checks or any(one.state in ("waiting", "working") for one in app.desk.checks):
            seen.append(sheet(app))
            await pilot.pause(0.01)
        await until(pilot, lambda: "2 of 2 verified" in sheet(app))
        assert "STALE" in sheet(app)
        assert "INVALID" in sheet(app)
        assert "pkg/train.py" in await keys(pilot, app, "enter")
        assert "model.safetensors" in await keys(pilot, app, "escape", "down", "enter")

    drive(tree, user)
    assert any("is being verified" in page and "waits" in page for page in seen)


def test_an_audit_that_is_made_again_names_each_stage_and_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path / "tree")
    audited(tree)
    pages: list[str] = []

    async def user(pilot: P, app: AuditApp) -> None:
        show = app._sheet.show

        def shown(*page: Any, **options: Any) -> None:
            show(*page, **options)
            pages.append(sheet(app))

        monkeypatch.setattr(app._sheet, "show", shown)
        await pilot.press("V")
        await until(pilot, lambda: "1 of 1 verified" in sheet(app))
        preview: Any = app.query_one("#preview")
        assert "CONSISTENT" in sheet(app) and "audited again: every artifact" in preview.text
        assert not re.search(r"S\d ", sheet(app))

    drive(tree, user, size=(140, 40))
    lines = [line for page in pages for line in re.findall(r"^ +(S\d) (.+), \d+\.\d s *$", page, re.M)]
    assert list(dict.fromkeys(lines)) == list(DOING.items())
    told = [" ".join(page.split()) for page in pages if re.search(r"^ +S\d ", page, re.M)]
    assert told and all("is being audited again and compared S" in page for page in told)


def test_a_page_on_a_changed_file_says_that_it_changed(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        assert "has changed" not in await keys(pilot, app, "2", "enter", "enter")
        (sample / "pkg" / "run.py").write_text("import this\n")
        await until(pilot, lambda: "This file has changed since it was audited" in sheet(app))
        assert "It has 2 lines now. The audit quoted: torch.save(state, path)" in sheet(app)
        (sample / "pkg" / "run.py").unlink()
        await until(pilot, lambda: "cannot be read" in sheet(app))
        assert "torch.save(state, path)" in sheet(app)

    drive(sample, user)


def test_the_screen_follows_an_audit_that_is_written_changed_and_removed(tmp_path: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        assert "There is no audit" in sheet(app)
        write_audit(tmp_path)
        await until(pilot, lambda: "◐ partial" in sheet(app))
        (tmp_path / MARKER).write_text("{}")
        await until(pilot, lambda: "A run is writing here" in sheet(app))
        (tmp_path / MARKER).unlink()
        before = sheet(app)
        write_audit(tmp_path, *changed())
        await until(pilot, lambda: "writing" not in sheet(app) and sheet(app) != before)
        (tmp_path / artifact_path("capabilities_scored")).write_text("{")
        await until(pilot, lambda: "capabilities_scored.json is not there, or cannot be read" in sheet(app))
        shutil.rmtree(tmp_path / "audit_artifacts")
        await until(pilot, lambda: "There is no audit" in sheet(app))

    drive(tmp_path, user)


def test_an_empty_folder_is_said_to_be_empty_on_every_page(tmp_path: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        for tab in "123":
            assert "There is no audit in" in await keys(pilot, app, tab)
            assert "codex-audit run" in sheet(app)
        assert "There is no training run below" in await keys(pilot, app, "4")
        assert "There is no audit with scores in" in await keys(pilot, app, "5")
        assert "There is nothing to verify in" in await keys(pilot, app, "6")
        await pilot.press("v")
        assert "There is nothing to verify in" in sheet(app)

    drive(tmp_path, user)


def test_a_run_at_work_is_followed(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 3)

    async def user(pilot: P, app: AuditApp) -> None:
        assert "… open" in await keys(pilot, app, "4")
        assert "to 1.8333 at step 3" in await keys(pilot, app, "enter")
        steps(recorder, 4, 5)
        await until(pilot, lambda: "to 1.1000 at step 5" in sheet(app))
        recorder.close("finished", verify_packages=False)
        await until(pilot, lambda: "● finished" in sheet(app))

    drive(tmp_path, user)


def test_the_cursor_stays_on_its_row_when_the_audit_changes(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        await pilot.press("2", "down", "down")
        target = app._sheet.target
        write_audit(sample, *changed())
        await until(pilot, lambda: "yes" in sheet(app).split("saving.optimizer")[0].splitlines()[-1])
        assert app._sheet.target == target

    drive(sample, user)


def test_letters_typed_right_after_the_slash_are_part_of_the_search(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        for key in ("2", "slash", "q", "o", "2"):  # each does something else outside a search
            app.simulate_key(key)
        await until(pilot, lambda: "'qo2': 0 of 5" in screen(app))

    drive(sample, user)


def test_search_looks_for_every_word_and_filters_go_round(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        await pilot.press("2", "f")
        assert sheet(app).count("✓") == 1
        assert "yes: 1 of 5" in screen(app)
        await pilot.press("f", "f")
        assert sheet(app).count("? unknown") == 1
        await pilot.press("f")
        assert sheet(app).count("saving.") == 4
        await pilot.press("slash", *"sAV", "space", *"odd", "enter")
        assert [line for line in sheet(app).splitlines() if "saving." in line and "digest" in line]
        assert sheet(app).count("saving.") == 1
        await pilot.press("slash", *"zzz", "enter")
        assert "0 of 5" in screen(app)
        await pilot.press("escape")
        assert sheet(app).count("saving.") == 4

    drive(sample, user)


def test_the_footer_names_the_keys_that_do_something_and_can_be_clicked(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        def last() -> str:
            return screen(app).splitlines()[-1]

        await until(pilot, lambda: "^p palette" in last())
        assert "Open" in last() and "Filter" in last() and "Back" not in last()
        await pilot.press("enter")
        await until(pilot, lambda: "Back" in last())
        await pilot.click("#footer", offset=(last().index("Back"), 0))
        await until(pilot, lambda: app.where == Where("matrix"))
        await pilot.press("slash")
        await until(pilot, lambda: "Clear" in last() and "Quit" not in last())

    drive(sample, user)


def test_the_palette_finds_a_probe_by_its_name(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        await pilot.press("ctrl+p", *"saving.d")
        await until(pilot, lambda: "probe saving.digest" in screen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.where.key == "saving.digest")
        assert "pkg/odd.py could not be read" in sheet(app)

    drive(sample, user)


def test_tabs_theme_mouse_and_help_are_there(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        await pilot.press("tab", "tab")
        assert app.where == Where("gaps")
        await pilot.press("shift+tab")
        assert app.where == Where("probes")
        await pilot.click("#tabs", offset=(2, 0))
        assert app.where == Where("matrix")
        await pilot.click("#sheet", offset=(5, 2))
        await pilot.click("#sheet", offset=(5, 2))
        assert app.where == Where("capability", "reading")
        background = app.screen.styles.background
        await pilot.press("t")
        assert app.screen.styles.background != background
        await pilot.press("q")
        assert app.return_code == 0

    drive(sample, user)


def test_other_audits_are_compared_by_name_and_below_the_folder(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_audit(tmp_path / "old", *changed())
    monkeypatch.chdir(tmp_path)

    async def user(pilot: P, app: AuditApp) -> None:
        assert "There is no other audit below" in await keys(pilot, app, "5")
        await pilot.press("o", *"old", "enter")
        await until(pilot, lambda: "Verdicts" in sheet(app))
        page = sheet(app)
        assert "no → yes" in page and "▼ fell" in page and "✗ regression" in page
        await pilot.press("5", "o", *"no", "enter")
        await until(pilot, lambda: "cannot be compared" in sheet(app))

    drive(sample, user)


def test_the_diff_is_that_of_the_command(real: Path) -> None:
    said = command("diff", real / "older", real).stdout

    async def user(pilot: P, app: AuditApp) -> None:
        assert "older" in await keys(pilot, app, "5")
        assert "✓ no regression" in await keys(pilot, app, "enter")
        assert "Nothing differs." in sheet(app)

    drive(real, user)
    assert "no regression" in said


def test_a_wide_screen_shows_what_the_cursor_is_on(sample: Path) -> None:
    async def user(pilot: P, app: AuditApp) -> None:
        await pilot.press("down")
        preview: Any = app.query_one("#preview")
        await until(pilot, lambda: "Reading   ○ absent" in preview.text)
        await pilot.press("2", "enter")
        await until(pilot, lambda: "def save(state, path):" in preview.text)

    drive(sample, user, size=(140, 40))


def test_without_a_terminal_it_says_what_to_use_instead(tmp_path: Path) -> None:
    done = command("tui", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs a terminal" in done.stderr
    assert command("tui", tmp_path / "nowhere").returncode == 2
