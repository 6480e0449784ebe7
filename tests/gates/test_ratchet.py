"""The gate: what fails beyond the committed baseline, wherever its lines are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.capabilities.grounds import rule_of
from codex_audit.facts.hidden import HIDDEN_LINE
from codex_audit.gates.baseline import Baseline, baseline_of
from codex_audit.gates.failures import FORBIDDEN, Failure, scanner_of
from codex_audit.gates.ratchet import renewed, shrunk, turn
from codex_audit.main import main
from codex_audit.query.found import fails
from codex_evidence.plain import to_plain
from codex_evidence.schemas import validate

LOAD = "import pickle\n\n\ndef load(path):\n    with open(path, 'rb') as file:\n        return pickle.load(file)\n"
CHECKS = ("a.one", "b.two")

FAILURES = st.builds(
    Failure,
    check=st.sampled_from(CHECKS),
    symbol=st.sampled_from(["", "f", "\x1b[31mred", "\u202ex"]),
    snippet=st.sampled_from(["", "f(x)", "f(y)", "|`<b>[red]x"]),
    path=st.sampled_from(["a.py", "b/c.py"]),
    line=st.integers(1, 9),
    reason=st.just("because"),
)
LISTS = st.lists(FAILURES, max_size=8)


def accepting(failures: list[Failure]) -> Baseline:
    return baseline_of(failures, CHECKS, tool_version="1", catalogue="0" * 64)


# --- The rule, on any failures.
@given(LISTS, st.randoms(use_true_random=False))
def test_failures_that_move_are_the_same(failures: list[Failure], random: Any) -> None:
    moved = [
        replace(one, path=f"moved/{one.path}", line=one.line + 100, reason="otherwise") for one in failures
    ]
    random.shuffle(moved)
    turned = turn(accepting(failures), moved)
    assert (turned.new, len(turned.known), turned.gone) == ((), len(failures), 0)


@pytest.mark.parametrize("hidden", [HIDDEN_LINE, "a.py"])
def test_a_line_that_a_scan_hides_or_shows_again_is_the_same_failure(hidden: str) -> None:
    shown = Failure("a.one", "f", "load(x)", "a.py", 3, "because")
    redacted = replace(shown, snippet=hidden)
    for before, now in ((shown, redacted), (redacted, shown)):
        turned = turn(accepting([before]), [now])
        assert (turned.new, turned.known, turned.gone) == ((), (now,), 0)
        elsewhere = (replace(now, path="c.py", snippet="c.py"), replace(now, symbol="g"))
        assert turn(accepting([before]), elsewhere).new == elsewhere
        assert len(turn(accepting([before]), [now, replace(now, line=9)]).new) == 1


@given(LISTS, LISTS)
def test_what_comes_is_new_and_what_goes_is_gone(old: list[Failure], now: list[Failure]) -> None:
    turned = turn(accepting(old), now)
    prints = [one.fingerprint for one in old]
    for fingerprint in {*prints, *(one.fingerprint for one in now)}:
        before, after = prints.count(fingerprint), [one.fingerprint for one in now].count(fingerprint)
        assert [one.fingerprint for one in turned.new].count(fingerprint) == max(after - before, 0)
    assert sorted(map(id, (*turned.new, *turned.known))) == sorted(map(id, now))
    assert len(old) - turned.gone == len(turned.known)


@given(LISTS, LISTS)
def test_a_baseline_that_shrinks_accepts_only_what_it_accepted(
    old: list[Failure], now: list[Failure]
) -> None:
    before = accepting(old)
    turned = turn(before, now)
    after = shrunk(before, turned)
    again = turn(after, now)
    assert (again.new, again.gone) == (turned.new, 0)
    left = [one.fingerprint for one in before.failures]
    for one in after.failures:
        left.remove(one.fingerprint)
    assert (after.checks, len(left)) == (before.checks, turned.gone)


@given(LISTS)
def test_the_baseline_follows_its_schema(failures: list[Failure]) -> None:
    validate(to_plain(accepting(failures)), "gate_baseline")


# --- With failures that only scans can find.
SCANNED = st.builds(
    Failure,
    check=st.sampled_from([*CHECKS, "scan.bandit.B1", "scan.secrets.x", "scan.bandit.B|`<b>"]),
    symbol=st.just(""),
    snippet=st.sampled_from(["f(x)", "f(y)"]),
    path=st.sampled_from(["a.py", "b/c.py"]),
    line=st.integers(1, 9),
    reason=st.just("because"),
)
LOOKED = st.dictionaries(
    st.sampled_from(["bandit", "secrets"]), st.frozensets(st.sampled_from(["a.py", "b/c.py"])), max_size=2
)


def seen(failures: list[Failure], looked: Mapping[str, Collection[str]]) -> list[Failure]:
    """Those of ``failures`` that an audit and the scanners that ``looked`` can show."""

    def shown(one: Failure) -> bool:
        scanner = scanner_of(one.check)
        return not scanner or (scanner in looked and one.path not in looked[scanner])

    return [one for one in failures if shown(one)]


@given(st.lists(SCANNED, max_size=8), LOOKED)
def test_what_nobody_looked_at_is_neither_gone_nor_lost(
    failures: list[Failure], looked: Mapping[str, Collection[str]]
) -> None:
    before = accepting(failures)
    now = seen(failures, looked)
    turned = turn(before, now, looked)
    assert (turned.new, turned.gone, turned.unasked) == ((), 0, ())
    assert len(turned.known) + len(turned.kept) == len(failures)
    prints = Counter(one.fingerprint for one in failures)
    for after in (shrunk(before, turned), renewed(before, accepting(now), looked)):
        assert Counter(one.fingerprint for one in after.failures) == prints


@given(st.lists(SCANNED, max_size=8), st.lists(SCANNED, max_size=8), LOOKED)
def test_a_baseline_that_is_written_anew_accepts_all_that_fails_now(
    old: list[Failure], now: list[Failure], looked: Mapping[str, Collection[str]]
) -> None:
    now = seen(now, looked)
    after = renewed(accepting(old), accepting(now), looked)
    turned = turn(after, now, looked)
    assert (turned.new, turned.gone) == ((), 0)
    assert {f"scan.{name}" for name in looked} <= set(after.checks)
    validate(to_plain(after), "gate_baseline")


def test_what_a_scanner_finds_is_new_though_none_was_asked_before() -> None:
    found = Failure("scan.bandit.B307", "", "eval(x)", "a.py", 3, "")
    assert turn(accepting([]), [found], {"bandit": ()}).new == (found,)


def test_among_equal_failures_the_one_in_another_file_is_the_new_one() -> None:
    old = Failure("a.one", "f", "f(x)", "old.py", 5, "")
    new = replace(old, path="a.py")
    assert turn(accepting([old]), [new, old]).new == (new,)


def test_a_check_that_was_not_asked_then_is_not_judged() -> None:
    later = Failure("c.later", "", "", "", 0, "")
    turned = turn(accepting([]), [later])
    assert (turned.new, turned.unasked) == ((), (later,))


def test_the_rule_for_places_that_must_go_is_the_one_of_the_probes() -> None:
    probe = next(probe for row in CATALOGUE for probe in row.probes if probe.by_absence)
    assert rule_of(probe, "no", fails("found", [], ()), ()) == FORBIDDEN


# --- The command, on a tree with one load of a pickle.
@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/load.py").write_text(LOAD)
    assert main(["gate", str(tmp_path), "--write-baseline"]) == 0
    return tmp_path


def gate(tree: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["gate", str(tree), "--format", "json", *words])
    return code, json.loads(capsys.readouterr().out)


def checks(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["check"], one["path"], one["line"]) for one in document["new"]]


def test_code_that_moves_and_neighbours_that_are_renamed_are_no_failure(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = gate(tree, capsys)
    assert (code, found["new"], found["gone"]) == (0, [], 0)
    moved = "import pickle\n\nLIMIT = 3\n\n\ndef neighbour():\n    return LIMIT\n\n\n"
    moved += "class Reader:\n    def fetch(self, name):\n        with open(name, 'rb') as file:\n"
    moved += "            return  pickle.load(file)  \n"
    (tree / "pkg/load.py").unlink()
    (tree / "pkg/elsewhere.py").write_text(moved)
    code, found = gate(tree, capsys)
    assert (code, found["new"], found["gone"]) == (0, [], 0)


def test_a_new_failure_is_refused_with_its_place_and_what_to_do(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "x\x1b[31m<b>|`.py"
    (tree / f"pkg/{name}").write_text("import pickle\n\nSTATE = pickle.loads(open('s', 'rb').read())\n")
    code, found = gate(tree, capsys)
    assert (code, checks(found)) == (1, [("security.safe-load", f"pkg/{name}", 3)])
    assert found["new"][0]["to_do"]
    assert main(["gate", str(tree)]) == 1
    said = capsys.readouterr().out
    assert "new: security.safe-load: pkg/x" in said
    assert "\x1b" not in said


def test_the_same_line_once_more_is_a_new_failure(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "pkg/again.py").write_text(LOAD)
    code, found = gate(tree, capsys)
    assert (code, checks(found)) == (1, [("security.safe-load", "pkg/again.py", 6)])


def test_what_is_mended_leaves_the_baseline_and_may_not_come_back(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "pkg/load.py").write_text("import json\n\n\ndef load(path):\n    return json.load(open(path))\n")
    code, found = gate(tree, capsys)
    assert (code, found["gone"]) == (0, 1)
    assert any("--shrink" in note for note in found["notes"])
    assert gate(tree, capsys, "--shrink")[0] == 0
    assert gate(tree, capsys)[1]["gone"] == 0
    (tree / "pkg/load.py").write_text(LOAD)
    code, found = gate(tree, capsys, "--shrink")
    assert (code, checks(found)) == (1, [("security.safe-load", "pkg/load.py", 6)])


def test_of_many_places_one_mended_does_not_make_another_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"part{number:02}" for number in range(20)]
    lines = [f"{name} = pickle.load(open('{name}', 'rb'))\n" for name in names]
    (tmp_path / "load.py").write_text("import pickle\n\n" + "".join(lines))
    assert main(["gate", str(tmp_path), "--write-baseline"]) == 0
    (tmp_path / "load.py").write_text("import pickle\n\n" + "".join(lines[1:]))
    code, found = gate(tmp_path, capsys)
    assert (code, found["new"], found["gone"]) == (0, [], 1)


def test_a_baseline_that_is_missing_or_was_edited_is_an_error_with_the_way_out(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tree / "audit_artifacts/baseline.json"
    whole = path.read_text()
    edited = whole.replace("pickle.load(file)", "pickle.loads(file)")
    strange = json.dumps(json.loads(whole) | {"schema": "codex-audit/gate_baseline/v9"})
    extra = json.dumps(json.loads(whole) | {"more": 1})
    capsys.readouterr()
    for text in (edited, strange, extra, whole[:100], "[]", '{"a": 1, "a": 2}', None):
        path.unlink()
        if text is not None:
            path.write_text(text)
        assert main(["gate", str(tree)]) == 2, text
        said = capsys.readouterr().err
        assert "--write-baseline" in said
        assert said.count("\n") == 1
        path.touch()


def test_the_baseline_is_no_part_of_the_audited_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tree), "--format", "json"]) == 0
    (tree / "audit_artifacts/baseline.json").unlink()
    assert main(["verify", str(tree)]) == 0
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    assert main(["verify", str(tree)]) == 0
    capsys.readouterr()
