"""After an edit of prose that tells no probe anything no probe is asked, and the audit is that of a run that remembers
nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.cache.store import Store
from tests.commands.cli import TRAIN, write_tree
from tests.stages.audits import audit, same

PROSE = "All that stands here is prose of which nobody makes much. " * 20
GUIDE = f"""\
# Example

{PROSE}
Run `python -m pkg.train --seed 1`, see [the rest](docs/rest.md#seeds).

## Install

```sh
pip install -r requirements.txt
python -m pkg.train
```

## Contribute

{PROSE}
"""
SILENT_PROSE = {
    "a line": (PROSE, PROSE + "\nYet another sentence, quite harmless.\n"),
    "a paragraph above everything": ("# Example\n", "# Example\n\nYet another harmless sentence.\n"),
    "a comment": ("## Install", "<!-- seed, wandb, torch -->\n\n## Install"),
    "a word less": (PROSE, PROSE.replace("nobody", "many")),
}
SPEAKING_PROSE = {
    "a function": (PROSE, PROSE + "\nIt calls manual_seed first.\n"),
    "a heading": ("## Install", "## Installation\n\n## Install"),
    "another heading": ("## Contribute", "## Contributing"),
    "a command": ("python -m pkg.train\n", "python -m pkg.train --resume\n"),
    "inline code": ("`python -m pkg.train --seed 1`", "`python -m pkg.train`"),
    "a link": ("docs/rest.md", "docs/others.md"),
    "little prose": (PROSE, "A few words.\n"),
    "an order": ("## Install\n", "## Install\n\n### Contribute\n"),
    "a first line": ("# Example\n", "\n# Example\n"),
}


@pytest.fixture(params=["README.md", "docs/guide.md"])
def guide(request: pytest.FixtureRequest, tree: Path, store: Store) -> Path:
    """A document of ``tree``, whose audit ``store`` remembers."""
    path = tree / str(request.param)
    path.parent.mkdir(exist_ok=True)
    path.write_text(GUIDE)
    audit(tree, store)
    return path


@pytest.mark.parametrize("name", SILENT_PROSE)
def test_prose_that_names_nothing_asks_no_probe(tree: Path, store: Store, guide: Path, name: str) -> None:
    """Twice, for what was found of the first edit serves the second."""
    text = GUIDE.replace(*SILENT_PROSE[name])
    for more in ("", "\nOne word more.\n"):
        guide.write_text(text + more)
        edited = audit(tree, store)
        assert edited.seconds.keys() & {"S2", "S3"} == {"S2"}
        assert same(edited, audit(tree, None))


@pytest.mark.parametrize("name", SPEAKING_PROSE)
def test_what_a_document_might_tell_a_probe_is_asked(
    tree: Path, store: Store, guide: Path, name: str
) -> None:
    guide.write_text(GUIDE.replace(*SPEAKING_PROSE[name]))
    edited = audit(tree, store)
    assert "S3" in edited.seconds
    assert same(edited, audit(tree, None))


LONG = "Write to us about it, and we will answer within a day or two. " * 20
KEY = "AKIA" + "QRSTUVWXYZABCDEF"
SUBTLE = {
    "a heading that moves up to the first line": (
        "SECURITY.md",
        f"<!-- x -->\n# Security policy\n\n{LONG}\n",
        f"# Security policy\n\n{LONG}\n",
    ),
    "a line that parts from a secret": (
        "README.md",
        f"# Example\n\n{LONG}\n\nRun `pip install foo` and `python train.py` {KEY}\n",
        f"# Example\n\n{LONG}\n\n{KEY}\n\nRun `pip install foo` and `python train.py`\n",
    ),
    "a heading that names a line": (
        "README.md",
        f"# Example\n\n## Report a security issue as in README.md:3\n\n{LONG}\n",
        f"# Example\n\n\n## Report a security issue as in README.md:3\n\n{LONG}\n",
    ),
    "a heading that names a line of code": (
        "pkg/train.py",
        TRAIN,
        f"# One\n# Two\n{TRAIN}",
    ),
}


@pytest.mark.parametrize("name", SUBTLE)
def test_what_lines_alone_do_not_tell_is_asked(tree: Path, store: Store, name: str) -> None:
    path, before, after = SUBTLE[name]
    (tree / "docs").mkdir()
    (tree / "docs" / "guide.md").write_text(
        f"# A\n\n## Report a security issue as in pkg/train.py:3\n\n{LONG}\n"
    )
    (tree / path).write_text(before)
    audit(tree, store)
    (tree / path).write_text(after)
    assert same(audit(tree, store), audit(tree, None))


def test_a_readme_that_comes_to_name_a_file_changes_what_is_cited(tree: Path, store: Store) -> None:
    """Of two files that do the same, the one that the README names is shown first."""
    (tree / "pkg" / "alike.py").write_text((tree / "pkg" / "train.py").read_text())
    (tree / "README.md").write_text(GUIDE.replace("pkg.train", "pkg.run"))
    before = audit(tree, store)
    (tree / "README.md").write_text(GUIDE.replace("pkg.train", "pkg.run") + "\nRead alike first.\n")
    after = audit(tree, store)
    assert "S3" in after.seconds and after.raw != before.raw
    assert same(after, audit(tree, None))


NAMES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.rst")
WORDS = (
    "seed",
    "train",
    "manual_seed",
    "torch",
    "harmless",
    "\n",
    "\n\n",
    "`x`",
    "## Part\n",
    "```\na\n```\n",
    "<!--",
)


@settings(max_examples=15)
@given(
    st.sampled_from(NAMES),
    st.lists(
        st.tuples(st.integers(0, len(GUIDE)), st.integers(0, 30), st.sampled_from(WORDS)),
        min_size=1,
        max_size=3,
    ),
)
def test_after_any_edit_of_a_document_the_audit_is_that_of_a_run_that_remembers_nothing(
    name: str, changes: list[tuple[int, int, str]]
) -> None:
    with TemporaryDirectory() as folder:
        tree, store = write_tree(Path(folder) / "tree"), Store(Path(folder) / "cache")
        text = f"<!-- about -->\n{GUIDE}"
        (tree / name).write_text(text)
        audit(tree, store)
        for place, gone, word in changes:
            text = f"{text[:place]} {word} {text[place + gone :]}"
            (tree / name).write_text(text)
            assert same(audit(tree, store), audit(tree, None))
