"""Which file the speed benchmark edits, and where."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from benchmarks.edits import find_place, importers, module_name, widest_edit

SOURCES = {
    "src/pkg/__init__.py": "",
    "src/pkg/tools.py": "import os\n",
    "src/pkg/deep/__init__.py": "from ..tools import a\n",
    "src/pkg/deep/one.py": "from .. import tools as t, missing\nfrom . import two\n",
    "src/pkg/deep/two.py": "from pkg.deep import (\n    one,\n    three,\n)\n",
    "run.py": "import os, pkg.tools as tools\n\ndef late():\n    import pkg.tools\n",
    "notes.py": "# import pkg.tools\nimported = 'from pkg import tools'\n",
}


def test_importers_are_counted_through_absolute_and_relative_imports_once_a_file() -> None:
    assert importers(SOURCES) == {
        "src/pkg/tools.py": 3,
        "src/pkg/__init__.py": 1,
        "src/pkg/deep/__init__.py": 2,
        "src/pkg/deep/one.py": 1,
        "src/pkg/deep/two.py": 1,
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [("src/pkg/deep/one.py", "pkg.deep.one"), ("src/pkg/__init__.py", "pkg"), ("run.py", "run")],
)
def test_a_module_is_named_by_the_packages_that_it_lies_in(path: str, name: str) -> None:
    assert module_name(path, SOURCES) == name


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n\tx = 1\n\treturn x\n",
        "class A:\r\n    async def f(self):\r\n        'About.'\r\n        return {\r\n            1: 2}\r\n",
        "def f():\n    s = '''\x0c\n\u2028'''\n    if s:\n        return 1\n",
    ],
)
def test_a_line_goes_into_a_function_and_all_else_stays(tmp_path: Path, source: str) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(source.encode())
    os.utime(file, ns=(7, 7))
    edit = find_place(file)
    assert edit is not None
    edit.apply("_touched = 1")
    tree = ast.parse(file.read_bytes())
    (function,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    added = [node for node in function.body if ast.unparse(node) == "_touched = 1"]
    assert len(added) == 1
    function.body.remove(added[0])
    assert ast.dump(tree) == ast.dump(ast.parse(source.encode()))
    edit.restore()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (source.encode(), 7)


@pytest.mark.parametrize(
    "source",
    ["", "def f(): a = 1; return a\n", "def f():\n    '''Only words.'''\n", "def f(:\n", "x = '\\0'\0"],
)
def test_a_file_without_a_safe_place_is_left_alone(tmp_path: Path, source: str) -> None:
    file = tmp_path / "a.py"
    file.write_text(source)
    assert find_place(file) is None


def test_the_widest_edit_is_in_the_most_imported_file_that_has_a_place(tmp_path: Path) -> None:
    body = "def f():\n    x = 1\n    return x\n"
    sources = {"flat.py": "X = 1\n", "a.py": f"import flat\n{body}", "b.py": f"import flat\nimport a\n{body}"}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    path, count, edit = widest_edit(tmp_path, sorted(sources))
    assert (path, count, edit.file) == ("a.py", 1, tmp_path / "a.py")
    with pytest.raises(ValueError, match="no Python function"):
        widest_edit(tmp_path, ["flat.py"])
