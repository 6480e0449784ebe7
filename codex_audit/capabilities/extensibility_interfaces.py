"""Interfaces: what says which methods a component must have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from codex_audit.facts.model import Class
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.tree import Tree

FEWEST_IMPLEMENTATIONS = 3
MANY_MODULES = 5
_NO_LIBRARY = frozenset({"object", "abc.ABC", "typing.Generic"})


def interfaces(tree: Tree) -> Found:
    return (
        tree.subclasses(
            "abc.ABC", "typing.Protocol", "typing_extensions.Protocol", why="an interface derived from {}"
        ).preferring(tree.derives_itself, "implements an interface of the tree")
        | tree.classes(
            lambda module, cls: "metaclass=abc.ABCMeta" in cls.bases,
            why="an abstract class {}",
            looked_for="abc.ABCMeta",
        )
        | tree.classes(
            _has_abstract_method,
            why="declares abstract methods in {}",
            looked_for="abstractmethod",
        )
        | _documented_base(tree)
    )


def _has_abstract_method(module: Module, cls: Class) -> bool:
    return any(
        function.scope == cls.name and any(last(mark).startswith("abstract") for mark in function.decorators)
        for function in module.facts.functions
    )


@dataclass
class _Implementations:
    """How many classes derive from a class, from how many modules, and how many define each of its methods anew."""

    classes: int = 0
    modules: set[str] = field(default_factory=set)
    methods: Counter[str] = field(default_factory=Counter)


def _implementations(tree: Tree) -> dict[str, _Implementations]:
    found: dict[str, _Implementations] = {}
    for module in tree.code:
        methods: dict[str, list[str]] = {}
        for function in module.facts.functions:
            methods.setdefault(function.scope, []).append(last(function.name))
        for cls in module.facts.classes:
            for base in tree.modules.ancestors(node_of(module, cls.name)):
                entry = found.setdefault(base, _Implementations())
                entry.classes += 1
                entry.modules.add(module.path)
                entry.methods.update(set(methods.get(cls.name, ())))
    return found


def _documented_base(tree: Tree) -> Found:
    """A documented base class with implementations in the tree, and with methods that are left to them."""
    implementations = _implementations(tree)
    none = _Implementations()

    def is_base(module: Module, cls: Class) -> bool:
        known = implementations.get(node_of(module, cls.name), none)
        if known.classes < FEWEST_IMPLEMENTATIONS:
            return False
        methods = [
            item
            for item in module.facts.functions
            if item.scope == cls.name and not last(item.name).startswith("__")
        ]
        stubs = [item for item in methods if item.stub]
        if stubs:
            return cls.documented or any(item.documented for item in stubs)
        if not cls.documented or cls.name.startswith("_"):
            return False
        bases = tree.modules.ancestors(node_of(module, cls.name))
        if all(base in _NO_LIBRARY or tree.modules.class_of(base) is not None for base in bases):
            hooks = [
                last(item.name) for item in methods if item.documented and not last(item.name).startswith("_")
            ]
            return not cls.fields and any(known.methods[name] >= FEWEST_IMPLEMENTATIONS for name in hooks)
        return len(known.modules) >= MANY_MODULES

    return tree.classes(
        is_base,
        why="a documented base class {} with several implementations",
        looked_for="a documented base class",
    ).preferring(lambda item: not last(item.scope).startswith("_"), "a private class")
