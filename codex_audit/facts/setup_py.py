"""What a setup.py says of dependencies as literals; nothing of it is executed."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from codex_audit.facts.source import ReadError


@dataclass(slots=True)
class SetupRequirements:
    """``items`` are (requirement, extra, line)."""

    items: list[tuple[str, str, int]] = field(default_factory=list)
    python: str = ""
    python_line: int = 0


def setup_requirements(data: bytes) -> SetupRequirements:
    """The literal install_requires, extras_require and python_requires of ``setup()``; variables that hold
    literals are followed. Raises ReadError for source that does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ReadError("setup.py does not parse", getattr(error, "lineno", 0) or 0) from error
    variables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = SetupRequirements()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_setup(node.func):
            for keyword in node.keywords:
                _add(keyword, variables, found)
    return found


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "setup"


def _add(keyword: ast.keyword, variables: dict[str, ast.expr], found: SetupRequirements) -> None:
    value = _followed(keyword.value, variables)
    if keyword.arg == "install_requires":
        found.items += [(text, "", line) for text, line in _strings(value, variables)]
    elif keyword.arg == "extras_require" and isinstance(value, ast.Dict):
        for key, extra in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant):
                found.items += [(text, str(key.value), line) for text, line in _strings(extra, variables)]
    elif (
        keyword.arg == "python_requires" and isinstance(value, ast.Constant) and isinstance(value.value, str)
    ):
        found.python, found.python_line = value.value, keyword.value.lineno


def _followed(value: ast.expr, variables: dict[str, ast.expr]) -> ast.expr:
    return variables.get(value.id, value) if isinstance(value, ast.Name) else value


def _strings(value: ast.expr, variables: dict[str, ast.expr], depth: int = 0) -> list[tuple[str, int]]:
    """The strings of a list, of a sum of lists, and of variables that hold such."""
    value = _followed(value, variables)
    if depth > 20:
        return []
    if isinstance(value, ast.List | ast.Tuple):
        return [text for item in value.elts for text in _strings(item, variables, depth + 1)]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return _strings(value.left, variables, depth + 1) + _strings(value.right, variables, depth + 1)
    if isinstance(value, ast.Starred):
        return _strings(value.value, variables, depth + 1)
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [(value.value, value.lineno)]
    return []
