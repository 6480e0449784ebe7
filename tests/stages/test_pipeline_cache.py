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
from codex_audit.stages.pipeline import Audit, run_stages
from codex_audit.stages.remembered import Whole
from codex_audit.stages.request import Request
from codex_audit.workflow.settings import Workflow, defaults
from tests.commands.cli import TRAIN, write_tree

WORKFLOW = defaults()
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


def audit(tree: Path, store: Store | None, workflow: Workflow = WORKFLOW) -> Audit:
    return run_stages(Request(tree, tree, workflow, lambda: CATALOGUE, store=store), "S7")


def same(one: Audit, other: Audit) -> bool:
    written = [(each.documents, each.reports, each.manifest) for each in (one, other)]
    return written[0] == written[1] and replace(one, seconds={}) == replace(other, seconds={})


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


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


@pytest.fixture
def store(tree: Path, tmp_path: Path) -> Store:
    """A store that remembers the audit of ``tree``."""
    made = Store(tmp_path / "cache")
    audit(tree, made)
    return made


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


SILENT = ("    # a comment", "", "    touched = 1", "    touched = None\n    touched = -2.5")
SPEAKING = (
    "    print(seed)",
    "    learning_rate = 1",
    "    ppl = 1",
    "    saving = 1",
    "    touched = torch.ones(1)",
    "    torch.use_deterministic_algorithms(True)",
    "    return",
)


@pytest.mark.parametrize("line", SILENT)
def test_what_no_probe_can_see_asks_no_probe(tree: Path, store: Store, line: str) -> None:
    """Twice, for what was found of the first edit serves the second."""
    for name in ("train", "main"):
        code = tree / "pkg" / "train.py"
        above, below = code.read_text().split(f"def {name}(", 1)
        head, rest = below.split("\n", 1)
        code.write_text(f"{above}def {name}({head}\n{line}\n{rest}")
        edited = audit(tree, store)
        assert edited.seconds.keys() & {"S2", "S3"} == {"S2"}
        assert same(edited, audit(tree, None))


def test_a_silent_statement_that_changes_and_goes_asks_no_probe(tree: Path, store: Store) -> None:
    code = tree / "pkg" / "train.py"
    original = code.read_text()
    for number in (1, 2, 3):
        code.write_text(original.replace("    torch.manual", f"    touched = {number}\n    torch.manual"))
        edited = audit(tree, store)
        assert number == 1 or "S3" not in edited.seconds
        assert same(edited, audit(tree, None))
    code.write_text(original + "# Another last line\n")
    assert "S3" not in audit(tree, store).seconds


@pytest.mark.parametrize("line", SPEAKING)
def test_what_a_probe_might_see_is_asked(tree: Path, store: Store, line: str) -> None:
    code = tree / "pkg" / "train.py"
    code.write_text(
        code.read_text().replace("    torch.manual_seed(seed)", f"{line}\n    torch.manual_seed(seed)")
    )
    edited = audit(tree, store)
    assert "S3" in edited.seconds
    assert same(edited, audit(tree, None))


TRAINS = """

def main(data):
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    for x in data:
        model(x).sum().backward()
        optimizer.step()
    work("out", data)


if __name__ == "__main__":
    main([])
"""
NEAR = {
    # The name of a file counts for a write only so many statements away.
    "settings": """\
def work(out, data):
    name = "config.toml"
    data.a()
    data.b()
    data.c()
    data.d()
    data.e()
    data.f()
    handle = data.g(out)
    toml.dump(data, handle)
""",
    "retention": """\
def work(out, data):
    name = "checkpoint"
    data.a()
    data.b()
    data.c()
    os.remove(out)
""",
    "guard": """\
def work(out, data):
    if isinstance(data, IterableDataset):
        if data.c():
            raise ValueError("no streams")
    return DataLoader(data, batch_size=2)
""",
}


@pytest.mark.parametrize("comments", [0, 3])
@pytest.mark.parametrize("name", NEAR)
def test_a_statement_that_parts_what_a_probe_counts_is_seen(
    tree: Path, store: Store, name: str, comments: int
) -> None:
    """A window measured in statements is no longer the same when one comes in, wherever comments have pushed it."""
    code = tree / "pkg" / "train.py"
    imports = "import os\n\nimport toml\nimport torch\nfrom torch.utils.data import DataLoader, IterableDataset\n\n\n"
    code.write_text(imports + NEAR[name] + TRAINS)
    audit(tree, store)
    for line in (line for line in NEAR[name].splitlines()[1:] if "raise" not in line):
        indent = " " * (len(line) - len(line.lstrip()))
        added = f"{indent}# so\n" * comments + f"{indent}kk = 3\n"
        code.write_text(imports + NEAR[name].replace(f"{line}\n", f"{added}{line}\n") + TRAINS)
        assert same(audit(tree, store), audit(tree, None))
        code.write_text(imports + NEAR[name] + TRAINS)
        audit(tree, store)


def test_the_line_of_another_file_is_not_moved(tree: Path, store: Store) -> None:
    """``my train.py:5`` in a sentence is not ``train.py:5``."""
    text = (tree / "pkg" / "train.py").read_text()
    (tree / "my train.py").write_text(text)
    (tree / "train.py").write_text(text)
    audit(tree, store)
    (tree / "train.py").write_text("# one\n# two\n# three\n" + text)
    assert same(audit(tree, store), audit(tree, None))
