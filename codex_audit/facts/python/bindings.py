"""The first pass over a module: every reachable statement that binds a name, in its scope."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codex_audit.facts.model import Import
from codex_audit.facts.python.flow import always, is_empty, reachable
from codex_audit.facts.python.scopes import UNKNOWN, Scope, bind_import, bind_parameters, bind_target

# Statements that bind nothing and hold no block.
_SILENT = frozenset(
    {ast.Expr, ast.Return, ast.Raise, ast.Pass, ast.AugAssign, ast.Assert, ast.Continue, ast.Break}
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(slots=True)
class Bindings:
    """``scopes`` gives the scope of each definition by node identity; ``module`` is the outermost one."""

    module: Scope
    scopes: dict[int, Scope] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)


def bind_module(tree: ast.Module) -> Bindings:
    bindings = Bindings(Scope("", None))
    pending: list[tuple[list[ast.stmt], Scope]] = [(tree.body, bindings.module)]
    while pending:
        body, scope = pending.pop(0)
        later: list[tuple[list[ast.stmt], Scope]] = []
        _bind_block(body, scope, bindings, later)
        pending.extend(later)
    return bindings


def _bind_block(
    body: list[ast.stmt], scope: Scope, bindings: Bindings, later: list[tuple[list[ast.stmt], Scope]]
) -> None:
    """Bind a block in order; bodies of functions wait in ``later``, since they run after the module."""
    stack = [iter(reachable(body))]
    while stack:
        statement = next(stack[-1], None)
        if statement is None:
            stack.pop()
        elif isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            _bind_definition(statement, scope, bindings, later)
        elif type(statement) not in _SILENT:
            _bind_simple(statement, scope, bindings)
            for block in reversed(blocks(statement)):
                stack.append(iter(reachable(block)))


def _bind_definition(
    node: Definition, scope: Scope, bindings: Bindings, later: list[tuple[list[ast.stmt], Scope]]
) -> None:
    inner = scope.child(node.name, is_class=isinstance(node, ast.ClassDef))
    scope.bind(node.name, f":{inner.name}")
    bindings.scopes[id(node)] = inner
    if isinstance(node, ast.ClassDef):
        _bind_block(node.body, inner, bindings, later)
        return
    static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
    bind_parameters(inner, node.args, method=scope.is_class and not static)
    later.append((node.body, inner))


def _bind_simple(statement: ast.stmt, scope: Scope, bindings: Bindings) -> None:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        for bound, stands_for in bind_import(scope, statement):
            bindings.imports.append(Import(bound, stands_for, statement.lineno, scope.name))
    elif isinstance(statement, (ast.Try, ast.TryStar)):
        for handler in statement.handlers:
            if handler.name:
                scope.bind(handler.name, UNKNOWN)
    else:
        _bind_targets(statement, scope)


def _bind_targets(statement: ast.stmt, scope: Scope) -> None:
    """Bind what a statement assigns to, with the value that says what it stands for, if one does."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            bind_target(scope, target, statement.value)
    elif isinstance(statement, ast.AnnAssign):
        bind_target(scope, statement.target, statement.value)
    elif isinstance(statement, (ast.For, ast.AsyncFor)):
        bind_target(scope, statement.target, None)
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            if item.optional_vars is not None:
                bind_target(scope, item.optional_vars, item.context_expr)


def blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of a compound statement that can run, in source order."""
    if isinstance(statement, ast.If):
        truth = always(statement.test)
        if truth is None:
            return [statement.body, statement.orelse]
        return [statement.body] if truth else [statement.orelse]
    if isinstance(statement, ast.While):
        return [statement.orelse] if always(statement.test) is False else [statement.body, statement.orelse]
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        return [statement.orelse] if is_empty(statement.iter) else [statement.body, statement.orelse]
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return [statement.body]
    if isinstance(statement, (ast.Try, ast.TryStar)):
        handlers = [handler.body for handler in statement.handlers]
        return [statement.body, *handlers, statement.orelse, statement.finalbody]
    if isinstance(statement, ast.Match):
        return [case.body for case in statement.cases]
    return []
