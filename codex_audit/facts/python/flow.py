"""Which statements control flow can reach, and what their conditions say without being run."""

from __future__ import annotations

import ast

_LEAVES = frozenset({ast.Return, ast.Raise, ast.Continue, ast.Break})
# Nearly all statements are of these kinds, and control passes each of them.
_PLAIN = frozenset({ast.Assign, ast.AugAssign, ast.AnnAssign, ast.FunctionDef, ast.For, ast.ImportFrom})
_EXITS = frozenset({("sys", "exit"), ("os", "_exit"), ("os", "abort")})


def always(test: ast.expr) -> bool | None:
    """The constant truth of a condition: True, False, or None when it depends on the run."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = always(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        decisive = isinstance(test.op, ast.Or)
        known = {always(part) for part in test.values}
        return decisive if decisive in known else None if None in known else not decisive
    return False if is_empty(test) else None


def is_empty(node: ast.expr) -> bool:
    """``[]``, ``()`` or ``{}``."""
    if isinstance(node, ast.List | ast.Tuple):
        return not node.elts
    return isinstance(node, ast.Dict) and not node.keys


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
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and _exits(statement.value.func)
    if isinstance(statement, ast.If):
        truth = always(statement.test)
        return (truth is False or ends(statement.body)) and (truth is True or ends(statement.orelse))
    if isinstance(statement, ast.Assert):
        return always(statement.test) is False
    return _compound_leaves(statement)


def _compound_leaves(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return _returns(statement)
    if isinstance(statement, ast.While):
        return always(statement.test) is True and not _breaks(statement.body)
    if isinstance(statement, ast.Try):
        handled = all(ends(handler.body) for handler in statement.handlers)
        return ends(statement.finalbody) or (handled and ends([*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Match):
        cases = statement.cases
        return any(map(_takes_all, cases)) and all(ends(case.body) for case in cases)
    return False


def _exits(function: ast.expr) -> bool:
    """Whether calling this ends the program."""
    if isinstance(function, ast.Name):
        return function.id in ("exit", "quit")
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return (function.value.id, function.attr) in _EXITS
    return False


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a ``break`` in a block ends the loop around it."""
    pending: list[ast.AST] = [*body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            pending += node.orelse
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            pending += [inner for inner in ast.iter_child_nodes(node) if not isinstance(inner, ast.expr)]
    return False


def _takes_all(case: ast.match_case) -> bool:
    """``case _:`` or ``case name:``."""
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def _returns(statement: ast.stmt) -> bool:
    """A context manager may swallow an exception, so only a return is certain to leave its block."""
    if isinstance(statement, ast.With | ast.AsyncWith):
        return any(_returns(inner) for inner in statement.body)
    return isinstance(statement, ast.Return)


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
