"""The facts of expressions: calls, references, string constants and dict items, by an explicit stack.

An explicit stack, because real code holds expressions nested deeper than Python's recursion limit.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codex_audit.facts.model import Argument, Call, Item, Reference, Text
from codex_audit.facts.python.scopes import Scope
from codex_audit.facts.python.values import LONGEST_CONSTANT, dotted, written

_HELP_KEYWORDS = frozenset({"help", "description", "epilog", "doc", "docstring"})
_MESSAGE_CALLS = frozenset(
    {"print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log", "write", "echo"}
)


@dataclass(slots=True)
class ExpressionFacts:
    calls: list[Call] = field(default_factory=list)
    references: dict[tuple[str, str], int] = field(default_factory=dict)
    texts: list[Text] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def reference_facts(self) -> tuple[Reference, ...]:
        return tuple(Reference(name, line, scope) for (name, scope), line in self.references.items())


def read_expression(
    root: ast.expr, scope: Scope, facts: ExpressionFacts, *, loop: bool, bound: str = "", role: str = ""
) -> None:
    """Add the facts of ``root`` in evaluation order of its outer parts. ``role`` is that of a bare string."""
    stack: list[tuple[ast.AST, str]] = [(root, role)]
    while stack:
        node, role = stack.pop()
        if isinstance(node, ast.Constant):
            _text(node, role, scope, facts)
        elif isinstance(node, ast.Call):
            _call(node, scope, facts, loop, bound if node is root else "")
            stack.extend(reversed(_call_parts(node, role)))
        elif isinstance(node, ast.Attribute | ast.Name):
            stack.extend(_name(node, scope, facts))
        elif isinstance(node, ast.Dict):
            stack.extend(reversed(_dict(node, scope, facts)))
        elif isinstance(node, ast.Lambda):
            stack.append((node.body, ""))
        else:
            stack.extend(reversed(_parts(node, role)))


def _text(node: ast.Constant, role: str, scope: Scope, facts: ExpressionFacts) -> None:
    if role and isinstance(node.value, str):
        facts.texts.append(Text(node.value[:LONGEST_CONSTANT], role, node.lineno, scope.name))


def _call(node: ast.Call, scope: Scope, facts: ExpressionFacts, loop: bool, bound: str) -> None:
    arguments = [
        Argument("*", written(item.value, scope.resolve))
        if isinstance(item, ast.Starred)
        else Argument("", written(item, scope.resolve))
        for item in node.args
    ]
    arguments += [Argument(item.arg or "**", written(item.value, scope.resolve)) for item in node.keywords]
    target = scope.resolve(node.func)
    facts.calls.append(Call(target, node.lineno, scope.name, tuple(arguments), bound, loop))
    if target == "dict":
        for item in node.keywords:
            if item.arg:
                value = written(item.value, scope.resolve)
                facts.items.append(Item(item.arg, value, item.value.lineno, scope.name))


def _call_parts(node: ast.Call, role: str) -> list[tuple[ast.AST, str]]:
    _, attributes = dotted(node.func)
    name = attributes[-1] if attributes else getattr(node.func, "id", "")
    inner = "message" if name in _MESSAGE_CALLS or role == "message" else "argument"
    parts: list[tuple[ast.AST, str]] = [(node.func, "")]
    parts += [(item, inner) for item in node.args]
    parts += [(item.value, "help" if item.arg in _HELP_KEYWORDS else inner) for item in node.keywords]
    return parts


def _name(node: ast.Attribute | ast.Name, scope: Scope, facts: ExpressionFacts) -> list[tuple[ast.AST, str]]:
    if isinstance(node.ctx, ast.Load):
        facts.references.setdefault((scope.resolve(node), scope.name), node.lineno)
    root, _ = dotted(node)
    return (
        [] if isinstance(root, ast.Name) else [(root, "formatted" if isinstance(root, ast.Constant) else "")]
    )


def _dict(node: ast.Dict, scope: Scope, facts: ExpressionFacts) -> list[tuple[ast.AST, str]]:
    parts: list[tuple[ast.AST, str]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        role = "element"
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            facts.items.append(Item(key.value, written(value, scope.resolve), key.lineno, scope.name))
            role = "help" if key.value in _HELP_KEYWORDS else "element"
        if key is not None:
            parts.append((key, "key"))
        parts.append((value, role))
    return parts


def _parts(node: ast.AST, role: str) -> list[tuple[ast.AST, str]]:
    """The expressions inside ``node`` with the role of a string that stands there."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [(item, role if role in ("message", "help") else "element") for item in node.elts]
    if isinstance(node, ast.Subscript):
        return [(node.value, ""), (node.slice, "subscript")]
    if isinstance(node, ast.Compare):
        return [(node.left, "compare"), *((item, "compare") for item in node.comparators)]
    if isinstance(node, ast.JoinedStr):
        return [(item, "message" if role == "message" else "formatted") for item in node.values]
    if isinstance(node, ast.FormattedValue):
        return [(node.value, "")]
    keep = role if isinstance(node, ast.BoolOp | ast.IfExp | ast.BinOp | ast.Starred | ast.Await) else ""
    return [(child, keep) for child in ast.iter_child_nodes(node)]
