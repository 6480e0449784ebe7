"""Python source to facts: one parse, one pass for bindings, one for everything else."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from codex_audit.facts.depth import by_the_file
from codex_audit.facts.model import (
    Assignment,
    Class,
    Function,
    Handler,
    Parameter,
    PythonFacts,
    Raise,
    Unread,
)
from codex_audit.facts.python.bindings import Bindings, Definition, bind_module, blocks
from codex_audit.facts.python.expressions import ExpressionFacts, read_expression
from codex_audit.facts.python.flow import is_main_guard, is_stub, is_type_checking, reachable
from codex_audit.facts.python.grammar import explain_failure
from codex_audit.facts.python.scopes import Scope
from codex_audit.facts.python.statements import packed
from codex_audit.facts.python.tests import test_facts
from codex_audit.facts.python.values import annotation, written

_SILENT = frozenset({ast.Import, ast.ImportFrom, ast.Pass, ast.Continue, ast.Break, ast.Global, ast.Nonlocal})
_FIELD_MAKERS = frozenset({"field", "Field", "attrib", "ib"})


def read_python(data: bytes, *, is_test: bool = False) -> PythonFacts | Unread:
    """The facts of a module, or why it has none. ``is_test`` adds its test functions."""
    try:
        return by_the_file(lambda: _read_source(data, is_test))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as failure:
        return explain_failure(data, failure)


def _read_source(data: bytes, is_test: bool) -> PythonFacts:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes of foreign code are not ours to report
        tree = ast.parse(data)
    return read_tree(tree, is_test=is_test)


def read_tree(tree: ast.Module, *, is_test: bool = False) -> PythonFacts:
    bindings = bind_module(tree)
    walk = _Walk(bindings)
    walk.block(tree.body, bindings.module, loop=False, guarded=False)
    return PythonFacts(
        imports=tuple(bindings.imports),
        calls=tuple(walk.expressions.calls),
        functions=tuple(walk.functions),
        classes=tuple(walk.classes),
        assignments=tuple(walk.assignments),
        texts=tuple(walk.expressions.texts),
        items=tuple(walk.expressions.items),
        raises=tuple(walk.raises),
        handlers=tuple(walk.handlers),
        references=walk.expressions.reference_facts(),
        tests=test_facts(tree, bindings) if is_test else (),
        exported=walk.exported,
        main_guard=walk.main_guard,
        documented=ast.get_docstring(tree, clean=False) is not None,
        statements=packed(walk.starts),
    )


@dataclass(slots=True)
class _Walk:
    """The second pass. Statements nest at most a hundred deep (the tokenizer's limit), so they may recurse;
    ``elif`` chains are flattened."""

    bindings: Bindings
    expressions: ExpressionFacts = field(default_factory=ExpressionFacts)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    raises: list[Raise] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    exported: tuple[str, ...] | None = None
    main_guard: int = 0
    starts: list[int] = field(default_factory=list)

    def block(self, body: list[ast.stmt], scope: Scope, *, loop: bool, guarded: bool) -> None:
        for statement in reachable(body):
            self.starts.append(statement.lineno)
            if isinstance(statement, ast.Expr):
                if type(statement.value) is ast.Constant:  # a docstring or a bare constant says nothing
                    self.starts.pop()
                else:
                    read_expression(statement.value, scope, self.expressions, loop=loop)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                self._assignment(statement, scope, loop)
            elif isinstance(statement, ast.If):
                self._if(statement, scope, loop)
            elif isinstance(statement, ast.Return):
                self._expression(statement.value, scope, loop, role="return")
            elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(statement, scope)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement, scope)
            elif type(statement) not in _SILENT:
                self._other(statement, scope, loop, guarded)

    def _expression(
        self, node: ast.expr | None, scope: Scope, loop: bool, bound: str = "", role: str = ""
    ) -> None:
        if node is not None:
            read_expression(node, scope, self.expressions, loop=loop, bound=bound, role=role)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        inner = self.bindings.scopes[id(node)]
        self.starts += [mark.lineno for mark in node.decorator_list]
        for mark in node.decorator_list:
            self._expression(mark, scope, False)
        for default in (*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)):
            self._expression(default, scope, False)
        self.functions.append(
            Function(
                name=inner.name,
                line=node.lineno,
                end=node.end_lineno or node.lineno,
                scope=scope.name,
                parameters=_parameters(node.args, scope),
                decorators=_decorators(node, scope),
                returns=annotation(node.returns, scope.meaning),
                stub=is_stub(node.body),
                documented=ast.get_docstring(node, clean=False) is not None,
            )
        )
        self.block(node.body, inner, loop=False, guarded=False)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        inner = self.bindings.scopes[id(node)]
        self.starts += [mark.lineno for mark in node.decorator_list]
        for part in (*node.decorator_list, *node.bases, *(item.value for item in node.keywords)):
            self._expression(part, scope, False)
        bases = [
            written(base.value if isinstance(base, ast.Subscript) else base, scope.meaning)
            for base in node.bases
        ]
        bases += [f"{item.arg}={written(item.value, scope.meaning)}" for item in node.keywords if item.arg]
        self.classes.append(
            Class(
                name=inner.name,
                line=node.lineno,
                end=node.end_lineno or node.lineno,
                scope=scope.name,
                bases=tuple(bases),
                decorators=_decorators(node, scope),
                fields=_fields(node, inner),
                documented=ast.get_docstring(node, clean=False) is not None,
            )
        )
        self.block(node.body, inner, loop=False, guarded=False)

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope, loop: bool) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        bound = _plain(targets[0])
        self._expression(node.value, scope, loop, bound=bound, role="assigned")
        if isinstance(node, ast.AnnAssign):
            self._expression(node.annotation, scope, loop)
        for target in targets:
            if isinstance(target, ast.Name) and not scope.name and target.id == "__all__":
                self.exported = _names(node.value, self.exported)
            if isinstance(target, ast.Subscript):
                self._expression(target.slice, scope, loop, role="subscript")
            if node.value is not None:
                name = _target(target, scope)
                value = written(node.value, scope.meaning)
                self.assignments.append(Assignment(name, value, node.lineno, scope.name))

    def _raise(self, node: ast.Raise, scope: Scope, loop: bool, guarded: bool) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = scope.meaning(raised) if raised is not None else ""
        self.raises.append(Raise(name, node.lineno, scope.name, guarded))
        if isinstance(node.exc, ast.Call):
            self._expression(node.exc.func, scope, loop)
            for part in (*node.exc.args, *(item.value for item in node.exc.keywords)):
                self._expression(part, scope, loop, role="message")
        else:
            self._expression(node.exc, scope, loop)

    def _if(self, node: ast.If, scope: Scope, loop: bool) -> None:
        current: ast.If | None = node
        while current is not None:
            if is_type_checking(current.test):
                self.block(current.orelse, scope, loop=loop, guarded=True)
                return
            if is_main_guard(current.test) and not scope.name:
                self.main_guard = current.lineno
            self._expression(current.test, scope, loop)
            following: ast.If | None = None
            for block in blocks(current):
                chained = block is current.orelse and len(block) == 1 and isinstance(block[0], ast.If)
                if chained and isinstance(block[0], ast.If):
                    following = block[0]
                    self.starts.append(following.lineno)
                else:
                    self.block(block, scope, loop=loop, guarded=True)
            current = following

    def _other(self, node: ast.stmt, scope: Scope, loop: bool, guarded: bool) -> None:
        if isinstance(node, ast.Raise):
            self._raise(node, scope, loop, guarded)
            return
        inner = loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, scope, inner)
            elif isinstance(child, ast.withitem):
                self._expression(child.context_expr, scope, loop, bound=_plain(child.optional_vars))
            elif isinstance(child, ast.ExceptHandler):
                self._handler(child, scope, loop)
            elif isinstance(child, ast.match_case) and child.guard is not None:
                self._expression(child.guard, scope, loop)
        for block in blocks(node):
            handled = isinstance(node, ast.Try | ast.TryStar) and any(
                block is part.body for part in node.handlers
            )
            self.block(block, scope, loop=inner, guarded=guarded or handled or isinstance(node, ast.Match))

    def _handler(self, node: ast.ExceptHandler, scope: Scope, loop: bool) -> None:
        parts = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        self.handlers.append(Handler(tuple(scope.meaning(part) for part in parts), node.lineno, scope.name))
        self._expression(node.type, scope, loop)


def _decorators(node: Definition, scope: Scope) -> tuple[str, ...]:
    marks = (mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list)
    return tuple(scope.meaning(mark) for mark in marks)


def _parameters(arguments: ast.arguments, scope: Scope) -> tuple[Parameter, ...]:
    every = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*[None] * (len(every) - len(arguments.defaults)), *arguments.defaults]
    pairs = [
        *zip(every, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return tuple(
        Parameter(
            item.arg, annotation(item.annotation, scope.meaning), written(default, scope.meaning), item.lineno
        )
        for item, default in pairs
    )


def _fields(node: ast.ClassDef, scope: Scope) -> tuple[Parameter, ...]:
    found = []
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = annotation(statement.annotation, scope.meaning)
            default = _field_default(statement.value, scope)
            found.append(Parameter(statement.target.id, text, default, statement.lineno))
    return tuple(found)


def _field_default(value: ast.expr | None, scope: Scope) -> str:
    """The default inside ``field(default=x)`` or ``Field(x)``; the written value of anything else."""
    if isinstance(value, ast.Call) and scope.meaning(value.func).rpartition(".")[2] in _FIELD_MAKERS:
        for item in value.keywords:
            if item.arg in ("default", "default_factory"):
                return written(item.value, scope.meaning)
        return written(value.args[0], scope.meaning) if value.args else ""
    return written(value, scope.meaning)


def _plain(target: ast.expr | None) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return f"{target.value.id}.{target.attr}"
    return ""


def _target(target: ast.expr, scope: Scope) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        # What is set is the attribute, whatever it stands for.
        return f"{scope.meaning(target.value)}.{target.attr}"
    if isinstance(target, ast.Subscript):
        return f"{scope.meaning(target.value)}[{written(target.slice, scope.meaning)}]"
    return "..."


def _names(value: ast.expr | None, before: tuple[str, ...] | None) -> tuple[str, ...]:
    """The string elements of ``__all__ = [...]`` or ``__all__ += [...]``."""
    elements = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    texts = (
        item.value for item in elements if isinstance(item, ast.Constant) and isinstance(item.value, str)
    )
    return (*(before or ()), *texts)
