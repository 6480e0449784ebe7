"""Which statements control flow can reach, and what their conditions say without being run."""

from __future__ import annotations

import ast

_LEAVES = frozenset({ast.Return, ast.Raise, ast.Continue, ast.Break})
# Nearly all statements are of these kinds, and control passes each of them.
_PLAIN = frozenset(
    {ast.Assign, ast.Expr, ast.AugAssign, ast.AnnAssign, ast.FunctionDef, ast.For, ast.ImportFrom}
)


def always(test: ast.expr) -> bool | None:
    """The constant truth of a condition: True, False, or None when it depends on the run."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = always(test.operand)
        return None if inner is None else not inner
    return None


def is_type_checking(test: ast.expr) -> bool:
    """``if TYPE_CHECKING:`` holds imports that never run; they bind names and do nothing."""
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def is_main_guard(test: ast.expr) -> bool:
    """``if __name__ == "__main__":``, either way round."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = (test.left, test.comparators[0])
    names = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    return names and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)


def leaves(statement: ast.stmt) -> bool:
    """Whether control never passes to the statement after this one."""
    kind = type(statement)
    if kind in _PLAIN:
        return False
    if kind in _LEAVES:
        return True
    if isinstance(statement, ast.If):
        if statement.orelse:
            return ends(statement.body) and ends(statement.orelse)
        return always(statement.test) is True and ends(statement.body)
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        # A context manager may swallow an exception, so only a return is certain to leave.
        return any(type(inner) is ast.Return for inner in statement.body)
    return False


def ends(body: list[ast.stmt]) -> bool:
    """Whether a block always leaves."""
    return any(map(leaves, body))


def reachable(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a block up to the first that always leaves."""
    for place, statement in enumerate(body):
        if type(statement) not in _PLAIN and leaves(statement):
            return body[: place + 1]
    return body


def is_stub(body: list[ast.stmt]) -> bool:
    """A body of nothing but a docstring, ``pass``, ``...`` or ``raise NotImplementedError``."""
    return all(_says_nothing(statement) for statement in body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return False
