"""Expressions as text: what a name stands for and what a value says, without evaluating anything."""

from __future__ import annotations

import ast
from collections.abc import Callable

OPAQUE = "..."
LONGEST_CONSTANT = 200
MOST_ELEMENTS = 24

_DISPLAYS = frozenset({ast.List, ast.Tuple, ast.Set, ast.Dict})

Resolve = Callable[[ast.expr], str]


def dotted(node: ast.expr) -> tuple[ast.expr, list[str]]:
    """The expression at the root of an attribute chain, and the attributes from left to right."""
    attributes: list[str] = []
    while type(node) is ast.Attribute:
        attributes.append(node.attr)
        node = node.value
    attributes.reverse()
    return node, attributes


def written(node: ast.expr | None, resolve: Resolve, depth: int = 0) -> str:
    """The written value of ``node`` as ``facts.model`` defines it."""
    kind = type(node)
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return constant_text(node.value)
    if kind is ast.Name or kind is ast.Attribute:
        return resolve(node)
    if isinstance(node, ast.Call):
        return resolve(node.func) + "()"
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        return "-" + constant_text(node.operand.value)
    if kind in _DISPLAYS and depth < 3:
        return _display(node, resolve, depth)
    return OPAQUE


def constant_text(value: object) -> str:
    """``repr`` of a constant, a long string cut at 200 characters."""
    if isinstance(value, str) and len(value) > LONGEST_CONSTANT:
        value = value[:LONGEST_CONSTANT]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return OPAQUE  # printing a huge integer takes quadratic time and says nothing
    return repr(value)


def _display(node: ast.expr, resolve: Resolve, depth: int) -> str:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)) and len(node.elts) <= MOST_ELEMENTS:
        inner = ", ".join(written(item, resolve, depth + 1) for item in node.elts)
        return f"[{inner}]" if isinstance(node, ast.List) else f"({inner})"
    if isinstance(node, ast.Dict) and len(node.keys) <= MOST_ELEMENTS:
        pairs = (
            f"{written(key, resolve, depth + 1)}: {written(value, resolve, depth + 1)}"
            for key, value in zip(node.keys, node.values, strict=True)
        )
        return "{" + ", ".join(pairs) + "}"
    return OPAQUE


def annotation(node: ast.expr | None, resolve: Resolve, depth: int = 0) -> str:
    """A type annotation as text with resolved names; deep or computed ones end in ``...``."""
    if node is None:
        return ""
    if depth > 6:
        return OPAQUE
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else repr(node.value)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return resolve(node)
    if isinstance(node, ast.Subscript):
        return f"{annotation(node.value, resolve, depth + 1)}[{annotation(node.slice, resolve, depth + 1)}]"
    if isinstance(node, ast.Tuple | ast.List):
        return ", ".join(annotation(item, resolve, depth + 1) for item in node.elts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return f"{annotation(node.left, resolve, depth + 1)} | {annotation(node.right, resolve, depth + 1)}"
    return OPAQUE


def instance_of(annotated: str) -> str:
    """The class that an annotation makes its value an instance of (``X``, ``X | None``); else empty."""
    text = annotated.strip().strip("'\"")
    for opening in ("typing.Optional[", "Optional["):
        if text.startswith(opening) and text.endswith("]"):
            text = text[len(opening) : -1]
    parts = [part.strip() for part in text.split("|") if part.strip() not in ("None", "")]
    if (
        len(parts) != 1
        or "[" in parts[0]
        or not parts[0].replace(".", "").replace("_", "").replace(":", "").isalnum()
    ):
        return ""
    return parts[0]
