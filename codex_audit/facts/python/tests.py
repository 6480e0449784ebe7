"""The test functions of a module: how many assertions each reaches, and whether it can ever run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codex_audit.facts.model import Test
from codex_audit.facts.python.bindings import Bindings
from codex_audit.facts.python.flow import always
from codex_audit.facts.python.scopes import Scope

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_CHECKING_CALLS = frozenset(
    {"raises", "warns", "deprecated_call", "check_call", "check_output", "fail", "doctest"}
)
_SKIP_MARKS = frozenset({"pytest.mark.skip", "unittest.skip", "pytest.skip"})


def test_facts(tree: ast.Module, bindings: Bindings) -> tuple[Test, ...]:
    """Every function that a test runner collects: ``test*`` in the module or in a class."""
    asserts = _assert_counts(tree, bindings)
    skipped_module = any(_marked_skip(value, bindings.module) for value in _pytestmarks(tree.body))
    return tuple(
        Test(scope.name, node.lineno, asserts[scope.name], skipped_module or skipped or _skipped(node, scope))
        for node, scope, skipped in _collected(tree, bindings)
    )


def _collected(tree: ast.Module, bindings: Bindings) -> Iterator[tuple[_FUNCTIONS, Scope, bool]]:
    for node in tree.body:
        if isinstance(node, _FUNCTIONS) and node.name.startswith("test") and id(node) in bindings.scopes:
            yield node, bindings.scopes[id(node)], False
        elif isinstance(node, ast.ClassDef) and id(node) in bindings.scopes:
            owner = bindings.scopes[id(node)]
            skipped = any(_marked_skip(mark, bindings.module) for mark in node.decorator_list)
            skipped = skipped or any(_marked_skip(value, owner) for value in _pytestmarks(node.body))
            for inner in node.body:
                if (
                    isinstance(inner, _FUNCTIONS)
                    and inner.name.startswith("test")
                    and id(inner) in bindings.scopes
                ):
                    yield inner, bindings.scopes[id(inner)], skipped


def _pytestmarks(body: list[ast.stmt]) -> Iterator[ast.expr]:
    for statement in body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
        ):
            values = (
                statement.value.elts
                if isinstance(statement.value, ast.List | ast.Tuple)
                else [statement.value]
            )
            yield from values


def _marked_skip(mark: ast.expr, scope: Scope) -> bool:
    """An unconditional skip, or ``skipif(True)``."""
    target = scope.resolve(mark.func if isinstance(mark, ast.Call) else mark)
    if target in _SKIP_MARKS:
        return True
    conditional = target in ("pytest.mark.skipif", "unittest.skipIf")
    return conditional and isinstance(mark, ast.Call) and bool(mark.args) and always(mark.args[0]) is True


def _skipped(node: _FUNCTIONS, scope: Scope) -> bool:
    if any(_marked_skip(mark, scope) for mark in node.decorator_list):
        return True
    first = [
        item for item in node.body[:2] if isinstance(item, ast.Expr) and isinstance(item.value, ast.Call)
    ]
    return any(_marked_skip(item.value, scope) for item in first)


def _assert_counts(tree: ast.Module, bindings: Bindings) -> dict[str, int]:
    """Assertions by function name, those of called helpers of the same file included."""
    own: dict[str, int] = {}
    called: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS) and id(node) in bindings.scopes:
            scope = bindings.scopes[id(node)]
            own[scope.name], called[scope.name] = _asserts(node, scope)
    for _ in range(3):  # a helper of a helper of a helper is as deep as tests go
        own = {
            name: count + sum(own.get(helper, 0) for helper in called[name]) for name, count in own.items()
        }
    return own


def _asserts(node: _FUNCTIONS, scope: Scope) -> tuple[int, set[str]]:
    count, helpers = 0, set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            count += not isinstance(inner.test, ast.Constant)
        elif isinstance(inner, ast.Call):
            target = scope.resolve(inner.func)
            last = target.rpartition(".")[2]
            if last.startswith("assert") or last in _CHECKING_CALLS or _checked_process(target, inner):
                count += 1
            if target.startswith(":"):
                helpers.add(target[1:].replace("()", ""))
    return count, helpers - {scope.name}


def _checked_process(target: str, node: ast.Call) -> bool:
    return target == "subprocess.run" and any(
        item.arg == "check" and isinstance(item.value, ast.Constant) and item.value.value is True
        for item in node.keywords
    )
