"""What a setup.py says of dependencies as literals; nothing of it is executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from codex_audit.facts.depth import by_the_file
from codex_audit.facts.source import ReadError

MOST_NODES = 20_000

Variables = Mapping[str, ast.expr]


class SetupRequirements(NamedTuple):
    """``items`` are (requirement, extra, line)."""

    items: tuple[tuple[str, str, int], ...]
    python: str
    python_line: int


def setup_requirements(data: bytes) -> SetupRequirements:
    """The literal install_requires, extras_require and python_requires of ``setup()``; variables that hold
    literals are followed. Raises ReadError for source that does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = by_the_file(lambda: ast.parse(data))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ReadError("setup.py does not parse", getattr(error, "lineno", 0) or 0) from error
    variables, extras = _variables(tree)
    keywords = [
        keyword
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_setup(node.func)
        for keyword in node.keywords
    ]
    items = [item for keyword in keywords for item in _items(keyword, variables, extras)]
    python = next((found for keyword in keywords if (found := _python(keyword, variables))), ("", 0))
    return SetupRequirements(tuple(items), *python)


def _variables(tree: ast.Module) -> tuple[dict[str, ast.expr], dict[tuple[str, str], ast.expr]]:
    """What the module's names are bound to, and the values set as ``name["key"] = ...``."""
    names: dict[str, ast.expr] = {}
    items: dict[tuple[str, str], ast.expr] = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            value = node.value  # type: ignore[attr-defined]  # both kinds of assignment have one here
            match target:
                case ast.Name(id=name):
                    names[name] = value
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                    items[name, key] = value
                case _:
                    pass
    return names, items


def _is_setup(function: ast.expr) -> bool:
    return getattr(function, "attr", getattr(function, "id", "")) == "setup"


def _items(
    keyword: ast.keyword, variables: Variables, extras: Mapping[tuple[str, str], ast.expr]
) -> Iterator[tuple[str, str, int]]:
    if keyword.arg == "install_requires":
        yield from ((text, "", line) for text, line in _strings(keyword.value, variables))
    if keyword.arg != "extras_require":
        return
    table = _followed(keyword.value, variables)
    groups = [
        (key.value, value)
        for key, value in (zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ())
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    if isinstance(keyword.value, ast.Name):
        groups += [(key, value) for (name, key), value in extras.items() if name == keyword.value.id]
    for group, value in groups:
        yield from ((text, group, line) for text, line in _strings(value, variables))


def _python(keyword: ast.keyword, variables: Variables) -> tuple[str, int] | None:
    """The value, or the name of the variable where it is computed: it is declared all the same."""
    value = _followed(keyword.value, variables)
    if keyword.arg == "python_requires":
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value, keyword.value.lineno
        if isinstance(value, ast.Name):
            return value.id, keyword.value.lineno
    return None


def _followed(value: ast.expr, variables: Variables) -> ast.expr:
    return variables.get(value.id, value) if isinstance(value, ast.Name) else value


def _strings(value: ast.expr, variables: Variables) -> list[tuple[str, int]]:
    """The strings of a list, of a sum of lists, and of variables that hold such, with their lines."""
    found: list[tuple[str, int]] = []
    pending = [value]
    for _ in range(MOST_NODES):
        if not pending:
            return found
        match pending.pop():
            case ast.Name(id=name) if name in variables:
                pending.append(variables[name])
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                pending += reversed(parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                pending += [right, left]
            case ast.Starred(value=inner):
                pending.append(inner)
            case ast.Constant(value=str(text), lineno=line):
                found += [(part, line) for part in text.split("\n")]
            case _:
                pass
    raise ReadError("the requirements of setup.py refer to themselves, or have no end", value.lineno)
