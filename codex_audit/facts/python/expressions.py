"""The facts of expressions: calls, references, string constants and dict items, by an explicit stack.

An explicit stack, because real code holds expressions nested deeper than Python's recursion limit. Node
types are compared with ``is`` and looked up in a table: a large tree has millions of them, and this is where
reading it takes its time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from codex_audit.facts.model import Argument, Call, Item, Reference, Text
from codex_audit.facts.python.flow import always
from codex_audit.facts.python.scopes import Scope
from codex_audit.facts.python.values import LONGEST_CONSTANT, written

_HELP_KEYWORDS = frozenset({"help", "description", "epilog", "doc", "docstring"})
_MESSAGE_CALLS = frozenset(
    {"print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log", "write", "echo"}
)

Part = tuple[ast.AST, str]
"""An expression still to be read, and the role of a string that stands there."""


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
    stack: list[Part] = [(root, role)]
    while stack:
        node, role = stack.pop()
        kind = type(node)
        if kind is ast.Constant:
            if role:
                _text(node, role, scope, facts)
        elif kind is ast.Name or kind is ast.Attribute:
            _name(node, scope, facts, stack)
        elif kind is ast.Call:
            _call(node, scope, facts, loop, bound if node is root else "")
            stack += _call_parts(node, role)
        elif kind is ast.Dict:
            stack += _dict(node, scope, facts)
        elif kind in _PARTS:
            stack += _PARTS[kind](node, role)
        else:
            stack += [(child, "") for child in ast.iter_child_nodes(node)][::-1]


def _text(node: Any, role: str, scope: Scope, facts: ExpressionFacts) -> None:
    if isinstance(node.value, str):
        facts.texts.append(Text(node.value[:LONGEST_CONSTANT], role, node.lineno, scope.name))


def _call(node: Any, scope: Scope, facts: ExpressionFacts, loop: bool, bound: str) -> None:
    meaning = scope.meaning
    arguments = [
        Argument("*", written(item.value, meaning))
        if type(item) is ast.Starred
        else Argument("", written(item, meaning))
        for item in node.args
    ]
    arguments += [Argument(item.arg or "**", written(item.value, meaning)) for item in node.keywords]
    target = meaning(node.func)
    facts.calls.append(Call(target, node.lineno, scope.name, tuple(arguments), bound, loop))
    if target == "dict":
        for item in node.keywords:
            if item.arg:
                value = written(item.value, meaning)
                facts.items.append(Item(item.arg, value, item.value.lineno, scope.name))


def _call_parts(node: Any, role: str) -> list[Part]:
    function = node.func
    name = function.attr if type(function) is ast.Attribute else getattr(function, "id", "")
    inner = "message" if role == "message" or name in _MESSAGE_CALLS else "argument"
    parts = [
        (item.value, "help" if item.arg in _HELP_KEYWORDS else inner) for item in reversed(node.keywords)
    ]
    parts += [(item, inner) for item in reversed(node.args)]
    parts.append((function, ""))
    return parts


def _name(node: Any, scope: Scope, facts: ExpressionFacts, stack: list[Part]) -> None:
    if type(node.ctx) is ast.Load:
        key = (scope.meaning(node), scope.name)
        if key not in facts.references:
            facts.references[key] = node.lineno
    root = node
    while type(root) is ast.Attribute:
        root = root.value
    if type(root) is not ast.Name:
        stack.append((root, "formatted" if type(root) is ast.Constant else ""))


def _dict(node: Any, scope: Scope, facts: ExpressionFacts) -> list[Part]:
    parts: list[Part] = []
    for key, value in zip(node.keys, node.values, strict=True):
        role = "element"
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            facts.items.append(Item(key.value, written(value, scope.meaning), key.lineno, scope.name))
            role = "help" if key.value in _HELP_KEYWORDS else "element"
        if key is not None:
            parts.append((key, "key"))
        parts.append((value, role))
    parts.reverse()
    return parts


def _each(nodes: Iterable[ast.AST], role: str) -> list[Part]:
    """``nodes`` in the order in which a stack gives them back."""
    parts = [(node, role) for node in nodes]
    parts.reverse()
    return parts


def _elements(node: Any, role: str) -> list[Part]:
    return _each(node.elts, role if role in ("message", "help") else "element")


def _comparison(node: Any, role: str) -> list[Part]:
    return _each((node.left, *node.comparators), "compare")


def _evaluated(node: Any) -> Iterator[ast.AST]:
    """The operands up to the first constant that decides."""
    for item in node.values:
        yield item
        if always(item) is isinstance(node.op, ast.Or):
            return


def _choice(node: Any, role: str) -> list[Part]:
    truth = always(node.test)
    if truth is None:
        return [(node.orelse, role), (node.body, role), (node.test, role)]
    return [(node.body if truth else node.orelse, role)]


# What each kind of expression holds. A string in a choice or a concatenation has the role of the whole.
_PARTS: dict[type[ast.AST], Callable[[Any, str], list[Part]]] = {
    ast.List: _elements,
    ast.Tuple: _elements,
    ast.Set: _elements,
    ast.Subscript: lambda node, role: [(node.slice, "subscript"), (node.value, "")],
    ast.Compare: _comparison,
    ast.JoinedStr: lambda node, role: _each(node.values, "message" if role == "message" else "formatted"),
    ast.FormattedValue: lambda node, role: [(node.value, "")],
    ast.BinOp: lambda node, role: [(node.right, role), (node.left, role)],
    ast.BoolOp: lambda node, role: _each(_evaluated(node), role),
    ast.UnaryOp: lambda node, role: [(node.operand, "")],
    ast.IfExp: _choice,
    ast.Starred: lambda node, role: [(node.value, role)],
    ast.Await: lambda node, role: [(node.value, role)],
    ast.Lambda: lambda node, role: [(node.body, "")],
}
