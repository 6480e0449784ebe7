"""What names stand for in a module: imports, local definitions, and simple assignments, scope by scope.

The tables are filled by one pass over statements before any expression is read, because a function
may use an import or a helper that stands below it. They are flow-insensitive: the first binding of a
name that says something is kept.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codex_audit.facts.python.values import annotation, dotted, instance_of

UNKNOWN = "?"
SELF = "self"


@dataclass(slots=True)
class Scope:
    """A module, class or function being read. ``name`` is qualified within the module, empty for the module.

    ``names`` maps a local name to what it stands for, ``attributes`` (classes only) the same for
    ``self.x``; ``receiver`` is the first parameter of a method. ``owner`` is the class that the scope is, or whose
    method it is or is nested in. ``known`` and ``meanings`` remember what ``meaning`` found.
    """

    name: str
    parent: Scope | None
    is_class: bool = False
    receiver: str = ""
    owner: Scope | None = None
    names: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    meanings: dict[int, str] = field(default_factory=dict)

    def child(self, name: str, *, is_class: bool = False) -> Scope:
        inner = Scope(f"{self.name}.{name}" if self.name else name, self, is_class)
        inner.owner = inner if is_class else self.owner
        return inner

    def bind(self, name: str, target: str) -> None:
        """The first binding that says something wins; a shadowing one that says nothing is kept as unknown."""
        if self.names.get(name, UNKNOWN) == UNKNOWN:
            self.names[name] = target

    def lookup(self, name: str) -> str:
        """What ``name`` stands for here, by Python's scoping rules; the name itself if nothing binds it."""
        scope: Scope | None = self
        while scope is not None:
            if (scope is self or not scope.is_class) and name in scope.names:
                return scope.names[name]
            if scope.receiver == name and (owner := scope.parent) is not None and owner.is_class:
                return f":{owner.name}()"
            scope = scope.parent
        return name

    def meaning(self, node: ast.expr) -> str:
        """``resolve``, remembered: for the second pass, when no table changes any more."""
        if type(node) is ast.Name:
            meaning = self.known.get(node.id)
            if meaning is None:
                meaning = self.known[node.id] = self.lookup(node.id)
            return meaning
        meaning = self.meanings.get(id(node))
        if meaning is None:
            meaning = self.meanings[id(node)] = self.resolve(node)
        return meaning

    def resolve(self, node: ast.expr) -> str:
        """The dotted name that ``node`` stands for, ``?`` in place of a receiver that cannot be known."""
        root, attributes = dotted(node)
        prefix = self._root(root)
        if not attributes:
            return prefix
        owner = self.owner
        if owner is not None and attributes[0] in owner.attributes and prefix == f":{owner.name}()":
            known = owner.attributes[attributes[0]]
            if known != UNKNOWN:
                return ".".join([known, *attributes[1:]])
        return ".".join([prefix, *attributes])

    def _root(self, root: ast.expr) -> str:
        if isinstance(root, ast.Name):
            return self.lookup(root.id)
        calls = 0
        while isinstance(root, ast.Call) and calls < 50:
            calls += 1
            inner, attributes = dotted(root.func)
            if isinstance(inner, ast.Name):
                return ".".join([self.lookup(inner.id), *attributes]) + "()"
            if isinstance(inner, ast.Call):
                # A chain such as a.b().c().d(): keep the root and every link.
                return f"{self._root(inner)}.{'.'.join(attributes)}()" if attributes else UNKNOWN
            return UNKNOWN
        return UNKNOWN


def relative(module: str | None, level: int) -> str:
    """The prefix of an import-from: dots for each level, then the module."""
    return "." * level + (module or "")


def bind_import(scope: Scope, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """Bind what an import binds; the pairs (bound name, target)."""
    pairs: list[tuple[str, str]] = []
    for alias in node.names:
        if isinstance(node, ast.Import):
            bound = alias.asname or alias.name.partition(".")[0]
            target = alias.name if alias.asname else bound
            pairs.append((alias.asname or alias.name, alias.name))
        else:
            prefix = relative(node.module, node.level)
            joint = "" if prefix.endswith(".") else "."
            bound, target = alias.asname or alias.name, f"{prefix}{joint}{alias.name}"
            pairs.append((bound, target))
        if bound != "*":
            scope.bind(bound, target)
    return pairs


def bind_parameters(scope: Scope, arguments: ast.arguments, *, method: bool) -> None:
    """Bind parameters: an annotated one to an instance of its class, the others to unknown."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if method and every:
        scope.receiver = every[0].arg
        every = every[1:]
    for parameter in every:
        named = instance_of(
            annotation(parameter.annotation, scope.parent.resolve if scope.parent else scope.resolve)
        )
        scope.names[parameter.arg] = f"{named}()" if named and named[0] != UNKNOWN else UNKNOWN
    for splat in (arguments.vararg, arguments.kwarg):
        if splat is not None:
            scope.names[splat.arg] = UNKNOWN


def bind_target(scope: Scope, target: ast.expr, value: ast.expr | None) -> None:
    """Bind an assignment: an alias, an instance of what was called, or unknown."""
    if isinstance(target, ast.Name):
        if scope.names.get(target.id, UNKNOWN) == UNKNOWN:
            scope.names[target.id] = _stands_for(scope, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            bind_target(scope, element, None)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        owner = scope.owner
        mine = owner is not None and scope.lookup(target.value.id) == f":{owner.name}()"
        if owner is not None and mine and owner.attributes.get(target.attr, UNKNOWN) == UNKNOWN:
            owner.attributes[target.attr] = _stands_for(scope, value)


def _stands_for(scope: Scope, value: ast.expr | None) -> str:
    if isinstance(value, ast.Await):
        value = value.value
    if isinstance(value, ast.Call):
        target = scope.resolve(value.func)
        return UNKNOWN if target.startswith(UNKNOWN) else f"{target}()"
    if isinstance(value, (ast.Name, ast.Attribute)):
        target = scope.resolve(value)
        return UNKNOWN if target.startswith(UNKNOWN) else target
    return UNKNOWN
