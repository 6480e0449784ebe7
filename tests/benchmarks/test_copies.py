"""The trees that growth is measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.copies import read_source, write_copies
from tests.commands.cli import snapshot

FILES = {
    "README.md": "pkg\n",
    "src/pkg/__init__.py": "",
    "src/pkg/sub/__init__.py": "from pkg import a\n",
    "src/pkg/a.py": "import pkg.sub\nimport pkgs\n",
}


def source_tree(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    (folder / "link.py").symlink_to("src/pkg/a.py")
    return folder


def copied(tmp_path: Path, size: int, *, verbatim: bool = False) -> dict[str, bytes]:
    source = read_source(source_tree(tmp_path / "source"))
    written = write_copies(source, tmp_path / "target", size, verbatim)
    made = {name: data for name, (_, data) in snapshot(tmp_path / "target").items()}
    assert written == sum(map(len, made.values()))
    return made


@pytest.mark.parametrize("verbatim", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4, 7, 12])
def test_a_tree_has_as_many_files_as_asked_for(tmp_path: Path, size: int, verbatim: bool) -> None:
    assert len(copied(tmp_path, size, verbatim=verbatim)) == size


def test_the_first_copy_is_the_source_and_a_further_one_imports_itself(tmp_path: Path) -> None:
    assert copied(tmp_path, 8) == {name: text.encode() for name, text in FILES.items()} | {
        "copy_1/README.md": b"pkg\n",
        "copy_1/src/pkg_1/__init__.py": b"\n# copy 1\n",
        "copy_1/src/pkg_1/sub/__init__.py": b"from pkg_1 import a\n\n# copy 1\n",
        "copy_1/src/pkg_1/a.py": b"import pkg_1.sub\nimport pkgs\n\n# copy 1\n",
    }


def test_a_verbatim_copy_differs_in_its_folder_alone(tmp_path: Path) -> None:
    made = copied(tmp_path, 8, verbatim=True)
    assert {name: made[f"copy_1/{name}"] for name in FILES} == {name: made[name] for name in FILES}


def test_a_folder_without_files_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no files"):
        read_source(tmp_path)
