"""The same program with other names for its local variables, every line in its place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

_LOOKING = frozenset({"locals", "vars", "eval", "exec", "dir", "globals"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def identifiers(text: str) -> frozenset[str]:
    """Every name, attribute, parameter, keyword and word of an import in ``text``: a fresh name is none of them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        for _, value in ast.iter_fields(node):
            if isinstance(value, str):
                found |= set(value.split("."))
            elif isinstance(value, list):
                found |= {item for item in value if isinstance(item, str)}
    return frozenset(found)


def renamed_locals(text: str, fresh: Callable[[str], str]) -> str:
    """``text`` with each local variable ``x`` of a function called ``fresh(x)``.

    Parameters keep their names, as callers may use them, and so do variables of functions that look at their own
    names. ``fresh`` must be one to one and give names that the text does not hold.
    """
    lines = [line.encode() for line in text.split("\n")]
    places = {
        (node.lineno, node.col_offset): node.id
        for function in _outermost(ast.parse(text))
        for own in [_locals(function)]
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id in own
    }
    for (row, column), name in sorted(places.items(), reverse=True):
        line, end = lines[row - 1], column + len(name.encode())
        assert line[column:end] == name.encode(), f"line {row}: {line!r}"
        lines[row - 1] = line[:column] + fresh(name).encode() + line[end:]
    return b"\n".join(lines).decode()


def _outermost(module: ast.Module) -> Iterator[_Function]:
    """Functions that stand in no other function: what they hold is renamed with them."""
    pending: list[ast.AST] = [module]
    while pending:
        node = pending.pop()
        if isinstance(node, _Function):
            yield node
        else:
            pending.extend(ast.iter_child_nodes(node))


def _locals(function: _Function) -> set[str]:
    """What the function itself assigns, unless something in it binds the same name in another way."""
    inside = list(ast.walk(function))
    if any(isinstance(node, ast.ClassDef) for node in inside):
        return set()  # a name that the body of a class stores is an attribute
    if any(isinstance(node, ast.Name) and node.id in _LOOKING for node in inside):
        return set()
    return set(_stored(function)) - {name for node in inside for name in _bound_otherwise(node, function)}


def _stored(function: _Function) -> Iterator[str]:
    """Names that are stored in the scope of the function, not in one of a function within it."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, _Function | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _bound_otherwise(node: ast.AST, function: _Function) -> list[str]:
    """Names that a node binds as something else than a variable to which a value is assigned."""
    match node:
        case ast.arg():
            return [node.arg]
        case ast.Global() | ast.Nonlocal():
            return node.names
        case ast.alias():
            return [(node.asname or node.name).partition(".")[0]]
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
            return [node.name] if node.name else []
        case ast.MatchMapping():
            return [node.rest] if node.rest else []
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name] if node is not function else []
    return []
