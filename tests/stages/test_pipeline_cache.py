"""An audit with a cache is the audit without one: cold, warm, and after any edit."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.cache.store import FILE, Store
from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.facts.packed import NotFactsError, pack, unpack
from codex_audit.stages.pipeline import run_stages
from codex_audit.stages.remembered import Whole
from codex_audit.stages.request import Request
from codex_audit.workflow.settings import Workflow
from tests.commands.cli import TRAIN, write_tree
from tests.stages.audits import WORKFLOW, audit, same

PATHS = (
    "pkg/train.py",
    "pkg/other.py",
    "tests/test_train.py",
    "README.md",
    "pyproject.toml",
    "sub/__init__.py",
)
CONTENTS = (
    TRAIN,
    TRAIN.replace("torch.manual_seed(seed)", "pass"),
    "from pkg.train import train\n\n\ndef test_train():\n    assert train(0, 'x') is None\n",
    "def broken(:\n",
    "[project]\nname = 'x'\ndependencies = ['torch==2.6.0']\n",
    "# Title\n\nRun `python -m pkg.train`.\n",
    "\n" + TRAIN,
    "",
)

Edit = tuple[str, str, str]
paths = st.sampled_from(PATHS)
edits = st.one_of(
    st.tuples(st.just("write"), paths, st.sampled_from(CONTENTS)),
    st.tuples(st.just("append"), paths, st.sampled_from(("# more\n", "import wandb\nwandb.init()\n"))),
    st.tuples(st.just("remove"), paths, st.just("")),
    st.tuples(st.just("rename"), paths, st.sampled_from((*PATHS, "vendor/pkg/train.py", "examples/run.py"))),
    st.tuples(st.just("chmod"), paths, st.sampled_from(("644", "755"))),
    st.tuples(st.just("link"), paths, paths),
)


def apply(tree: Path, edit: Edit) -> None:
    kind, name, value = edit
    path = tree / name
    if kind in ("write", "append"):
        path.parent.mkdir(exist_ok=True)
        if kind == "write" and path.is_symlink():
            path.unlink()
        with path.open("w" if kind == "write" else "a") as file:
            file.write(value)
    elif kind == "remove":
        path.unlink(missing_ok=True)
    elif kind == "rename" and path.is_file():
        (tree / value).parent.mkdir(parents=True, exist_ok=True)
        path.replace(tree / value)
    elif kind == "chmod" and path.is_file() and not path.is_symlink():
        path.chmod(int(value, 8))
    elif kind == "link" and not path.exists() and not path.is_symlink() and name != value:
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(tree / value)


@settings(max_examples=4)
@given(st.lists(edits, min_size=1, max_size=3))
def test_after_any_edits_the_audit_is_that_of_a_run_that_remembers_nothing(changes: list[Edit]) -> None:
    with TemporaryDirectory() as folder:
        tree, store = write_tree(Path(folder) / "tree"), Store(Path(folder) / "cache")
        audit(tree, store)
        for change in changes:
            apply(tree, change)
            assert same(audit(tree, store), audit(tree, None))
        assert same(audit(tree, store), audit(tree, None))


def test_a_warm_run_reads_and_asks_nothing(tree: Path, store: Store) -> None:
    assert audit(tree, store).seconds.keys() == {"S1", "S7"}
    (tree / "new.txt").write_text("")
    assert audit(tree, store).seconds.keys() > {"S2", "S3", "S4", "S5", "S6"}


def test_a_tree_under_another_name_gives_what_is_remembered(tree: Path, store: Store, tmp_path: Path) -> None:
    other = shutil.copytree(tree, tmp_path / "a quite other place")
    warm = audit(other, store)
    assert warm.seconds.keys() == {"S1", "S7"}
    assert same(warm, audit(other, None))


@pytest.mark.parametrize(
    "workflow",
    [
        replace(WORKFLOW, threshold=0.9),
        replace(WORKFLOW, formats=("json",)),
        replace(WORKFLOW, exclude=("README.md",)),
        replace(WORKFLOW, weights={**WORKFLOW.weights, "tests": 3.0}),
        replace(WORKFLOW, disable={"training.loop": "why not"}),
    ],
    ids=["threshold", "formats", "exclude", "weights", "disable"],
)
def test_other_settings_are_another_audit(tree: Path, store: Store, workflow: Workflow) -> None:
    changed = audit(tree, store, workflow)
    assert same(changed, audit(tree, None, workflow))
    assert same(audit(tree, store, workflow), changed)
    assert not same(audit(tree, store), changed)


def rows(store: Store) -> dict[bytes, bytes]:
    with closing(sqlite3.connect(store.folder / FILE)) as database:
        return dict(database.execute("select key, value from entry"))


def poison(store: Store, values: dict[bytes, bytes], *, sealed: bool) -> None:
    """Puts ``values`` in place of those that are there, with the seals of those, or with seals of their own."""
    if sealed:
        store.put(values)
        return
    with closing(sqlite3.connect(store.folder / FILE)) as database, database:
        for key, value in values.items():
            database.execute("update entry set value = ? where key = ?", [value, key])


def forged(value: bytes) -> bytes:
    """Results or facts of the right shape that say something else; other values as they are."""
    with suppress(NotFactsError):
        return pack(replace(unpack(value), python=None, doc=None, blank=True))
    try:
        results = msgspec.msgpack.decode(value, type=Whole)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return value
    return msgspec.msgpack.encode(replace(results, reports=dict.fromkeys(results.reports, b"all is well")))


def test_a_poisoned_entry_without_its_seal_is_not_believed_and_is_replaced(tree: Path, store: Store) -> None:
    before = rows(store)
    lies = {key: forged(value) for key, value in before.items()}
    assert len(lies) > 2
    poison(store, lies, sealed=False)
    assert same(audit(tree, store), audit(tree, None))
    assert rows(store) == before


def test_an_entry_that_another_version_wrote_is_read_anew(tree: Path, store: Store) -> None:
    before = rows(store)
    poison(store, dict.fromkeys(before, b"\x93\x01\x02\x03"), sealed=True)
    assert same(audit(tree, store), audit(tree, None))
    assert rows(store) == before


def test_a_forged_seal_is_what_the_tests_above_lack(tree: Path, store: Store) -> None:
    """That a lie with a right seal would be told, or else they would show nothing."""
    poison(store, {key: forged(value) for key, value in rows(store).items()}, sealed=True)
    assert not same(audit(tree, store), audit(tree, None))


def test_a_stage_that_is_not_wanted_is_not_recalled(tree: Path, store: Store) -> None:
    part = run_stages(Request(tree, tree, WORKFLOW, lambda: CATALOGUE, store=store), "S3")
    assert (part.scored, part.reports, part.manifest) == (None, {}, None)
    assert part.raw == audit(tree, None).raw
