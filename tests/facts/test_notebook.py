"""Notebooks: the code cells as one module whose lines are lines of the file."""

from __future__ import annotations

import json

import pytest

from codex_audit.facts.model import PythonFacts, Unread
from codex_audit.facts.notebook import read_notebook
from codex_audit.facts.source import ReadError


def cell(source: object, kind: str = "code") -> dict[str, object]:
    extra: dict[str, object] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **extra}


def notebook(*cells: dict[str, object], **metadata: object) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells}, indent=1)


def read(text: str) -> PythonFacts:
    facts = read_notebook(text.encode(), "x.ipynb")
    assert isinstance(facts, PythonFacts), facts
    return facts


def calls(text: str) -> list[tuple[str, str]]:
    """Resolved target of each call and the text of the line of the file that it cites."""
    return [(call.target, text.split("\n")[call.line - 1]) for call in read(text).calls]


def test_calls_cite_the_line_of_the_file_that_holds_them() -> None:
    text = notebook(
        cell("# not code", "markdown"),
        cell(["import torch as t\n", "\n", "t.save(1)\n", "t.save(1)"]),
        cell("x = 1\nt.load(x)\n"),
    )
    found = calls(text)
    assert [target for target, _ in found] == ["torch.save", "torch.save", "torch.load"]
    assert "t.save(1)" in found[0][1]
    assert "t.load(x)" in found[2][1]
    lines = [call.line for call in read(text).calls]
    assert lines[1] == lines[0] + 1


def test_magics_are_left_out_and_the_rest_of_the_cell_stays() -> None:
    text = notebook(
        cell(["!pip install \\\n", "    torch\n", "%matplotlib inline\n", "import os\n", "os.getcwd()\n"]),
        cell(["%%time\n", "os.listdir()\n"]),
        cell(["%%bash\n", "os.nothing()\n"]),
        cell(["files = !ls\n", "if files:\n", "    !ls\n", "os.cpu_count?\n"]),
    )
    assert [target for target, _ in calls(text)] == ["os.getcwd", "os.listdir"]


def test_a_percent_sign_that_continues_an_expression_is_no_magic() -> None:
    text = notebook(cell(["import os\n", "os.write(1, 'a %s'\n", "% 'x')\n"]))
    assert [target for target, _ in calls(text)] == ["os.write"]


def test_a_cell_that_is_no_python_costs_no_other() -> None:
    text = notebook(cell("def half("), cell("import os\nos.getcwd()"))
    assert [target for target, _ in calls(text)] == ["os.getcwd"]


def test_a_notebook_of_another_language_has_no_python() -> None:
    text = notebook(
        cell("import os\nos.getcwd()"), kernelspec={"name": "ir", "language": "R", "display_name": "R"}
    )
    assert read(text).calls == ()


def test_the_format_of_ten_years_ago_is_read() -> None:
    code = {"cell_type": "code", "input": ["import os\n", "os.getcwd()"], "language": "python", "outputs": []}
    heading = {"cell_type": "heading", "level": 1, "source": ["Title"]}
    sheet = {"cells": [{**heading, "metadata": {}}, {**code, "metadata": {}, "collapsed": False}]}
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{**sheet, "metadata": {}}],
    }
    text = json.dumps(old, indent=1)
    assert [(target, "os.getcwd()" in line) for target, line in calls(text)] == [("os.getcwd", True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"nbformat": "x"}',
        '{"nbformat": 4, "cells": 1}',
        "[" * 100_000,
        '{"cells": [',
    ],
)
def test_what_is_no_notebook_is_refused(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReadError):
        read_notebook(text.encode(), "x.ipynb")
    assert capfd.readouterr() == ("", "")


def test_a_notebook_against_the_schema_is_read_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    broken = json.loads(notebook(cell("import os\nos.getcwd()")))
    broken["cells"][0]["execution_count"] = "none"
    facts = read_notebook(json.dumps(broken).encode(), "x.ipynb")
    assert not isinstance(facts, Unread)
    assert capfd.readouterr() == ("", "")
