"""The same program in another layout: comments, blank lines, docstrings, other line breaks, indentation and quotes."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Mapping, Sequence

Lines = Mapping[int, int]
"""Where each line of the original stands in the rewritten text; both count from 1."""


def open_lines(text: str) -> list[int]:
    """The lines in front of which a comment or an empty line changes nothing: not those inside a string or after a
    backslash."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            inside |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    lines = text.split("\n")
    continued = {number + 1 for number, line in enumerate(lines, 1) if line.endswith("\\")}
    return [number for number in range(1, len(lines) + 1) if number not in inside | continued]


def with_lines(text: str, added: Mapping[int, Sequence[str]]) -> tuple[str, Lines]:
    """``text`` with further lines in front of some of its own."""
    made: list[str] = []
    moved: dict[int, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        made += added.get(number, ())
        made.append(line)
        moved[number] = len(made)
    return "\n".join(made), moved


def undocumented(text: str) -> dict[int, str]:
    """The line of the first statement of each function without a docstring, and the indentation of that line.

    Classes are left out: a docstring may make an interface of a class, which is a difference.
    """
    lines = text.split("\n")
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not ast.get_docstring(node):
            first = node.body[0]
            marks = getattr(first, "decorator_list", [])
            line = min([first.lineno, *(mark.lineno for mark in marks)])
            before = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
            if line > node.lineno and len(before.encode()) == first.col_offset:
                found[line] = before
    return found


def unparsed(text: str) -> str:
    """As Python prints the syntax tree: one line a statement, single quotes, no comment."""
    return ast.unparse(ast.parse(text)) + "\n"


def exploded(text: str) -> str:
    """A line break after each opening bracket and each comma inside brackets."""
    breaks: list[tuple[int, int]] = []
    depth = strings = 0
    starts, ends = ("FSTRING_START", "TSTRING_START"), ("FSTRING_END", "TSTRING_END")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        strings += (kind in starts) - (kind in ends)
        if token.type == tokenize.OP and not strings:
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string in "([{" or (token.string == "," and depth):
                breaks.append(token.end)
    lines = text.split("\n")
    for row, column in reversed(breaks):
        lines[row - 1 : row] = [lines[row - 1][:column], lines[row - 1][column:]]
    return "\n".join(lines)


def tabbed(text: str) -> str:
    """Indented by tabs."""
    whole = set(open_lines(unparsed(text)))
    return "\n".join(
        "\t" * ((len(line) - len(line.lstrip(" "))) // 4) + line.lstrip(" ") if number in whole else line
        for number, line in enumerate(unparsed(text).split("\n"), 1)
    )


def double_quoted(text: str) -> str:
    """Plain strings in double quotes."""
    made = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        plain = token.type == tokenize.STRING and token.string[0] == "'" and token.string[1:2] != "'"
        swap = plain and '"' not in token.string and "\\" not in token.string
        made.append(token._replace(string=f'"{token.string[1:-1]}"') if swap else token)
    return str(tokenize.untokenize(made))


def windows(text: str) -> str:
    """Lines that end in carriage return and line feed."""
    return text.replace("\n", "\r\n")


FORMATS: Mapping[str, Callable[[str], str]] = {
    "as Python prints it": unparsed,
    "one argument a line": exploded,
    "printed, then one argument a line": lambda text: exploded(unparsed(text)),
    "tabs": tabbed,
    "double quotes": lambda text: double_quoted(unparsed(text)),
    "Windows line ends": windows,
}
