"""After an edit of code that no probe can see no probe is asked, and the audit is that of a run that remembers nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codex_audit.cache.store import Store
from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.stages.pipeline import run_stages
from codex_audit.stages.request import Request
from tests.stages.audits import WORKFLOW, audit, same

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
    tree: Path, store: Store, tmp_path: Path, name: str, comments: int
) -> None:
    """A window measured in statements is no longer the same when one comes in, wherever comments have pushed it."""
    code = tree / "pkg" / "train.py"
    imports = "import os\n\nimport toml\nimport torch\nfrom torch.utils.data import DataLoader, IterableDataset\n\n\n"
    code.write_text(imports + NEAR[name] + TRAINS)
    audit(tree, store)
    lines = [line for line in NEAR[name].splitlines()[1:] if "raise" not in line]
    for number, line in enumerate(lines):
        indent = " " * (len(line) - len(line.lstrip()))
        added = f"{indent}# so\n" * comments + f"{indent}kk = 3\n"
        code.write_text(imports + NEAR[name].replace(f"{line}\n", f"{added}{line}\n") + TRAINS)
        known = Store(shutil.copytree(store.folder, tmp_path / f"cache-{number}"))
        assert same(audit(tree, known), audit(tree, None))


def test_who_wants_no_reports_gets_the_same_answers_and_spoils_nothing(tree: Path, store: Store) -> None:
    code = tree / "pkg" / "train.py"
    code.write_text("# One line more\n" + code.read_text())
    gate = run_stages(Request(tree, tree, WORKFLOW, lambda: CATALOGUE, store=store, reports=False), "S6")
    assert gate.seconds.keys() == {"S1", "S2", "S4", "S5"}
    whole = audit(tree, None)
    assert (gate.raw, gate.scored, gate.gaps) == (whole.raw, whole.scored, whole.gaps)
    assert same(audit(tree, store), whole)
    code.write_text(code.read_text() + "import wandb\n")
    asked = run_stages(Request(tree, tree, WORKFLOW, lambda: CATALOGUE, store=store, reports=False), "S6")
    assert "S3" in asked.seconds
    assert audit(tree, store).seconds.keys() == {"S1", "S7"}


def test_the_line_of_another_file_is_not_moved(tree: Path, store: Store) -> None:
    """``my train.py:5`` in a sentence is not ``train.py:5``."""
    text = (tree / "pkg" / "train.py").read_text()
    (tree / "my train.py").write_text(text)
    (tree / "train.py").write_text(text)
    audit(tree, store)
    (tree / "train.py").write_text("# one\n# two\n# three\n" + text)
    assert same(audit(tree, store), audit(tree, None))
