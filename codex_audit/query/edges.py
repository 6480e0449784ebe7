"""The edges of the graphs: who names whom, who calls which instance, and what runs with what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from codex_audit.query.graph import Graph, definition_of, node_of
from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import last
from codex_audit.query.testing_edges import add_test_edges

# A base never calls the constructor of a class derived from it.
_BUILDERS = ("__init__", "__new__", "__post_init__")
_CONSTRUCTORS = ("__init__", "__post_init__", "__new__", "setup", "build")
_EXPLICIT = (
    "train",
    "fit",
    "evaluate",
    "predict",
    "save",
    "load",
    "push",
    "generate",
    "from_",
    "export",
    "resume",
    "_save",
    "_load",
)


Edges = Mapping[str, frozenset[str]]

_CONSTANT = re.compile(r"None|True|False|-?\d[\w.]*|\[\]|\{\}|\(\)|'[^']*'")
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+(?::\w+)?")
_CALLED = ("__call__", "forward", "call")


@dataclass(frozen=True)
class Referring:
    """What every node refers to: ``running`` when its code runs, ``annotating`` in types of fields and variables,
    which run nothing but say what a parser of settings may build."""

    running: Edges
    annotating: Edges


def build_graph(modules: Modules, referring: Referring, *, whole_classes: bool) -> Graph:
    """``whole_classes``: using a class uses all its methods and what its fields are made of (what could run). Without
    it, using a class runs its constructor and what a library base is known to call (what does run)."""
    edges: dict[str, set[str]] = {}
    for module in modules.every:
        _add_structure(module, modules, edges, whole_classes=whole_classes)
    for node, used in referring.annotating.items() if whole_classes else ():
        edges.setdefault(node, set()).update(used)
    joined = {node: referring.running.get(node, frozenset()) | used for node, used in edges.items()}
    return Graph({**referring.running, **joined})


def referring_of(modules: Modules) -> Referring:
    running: dict[str, set[str]] = {}
    annotating: dict[str, set[str]] = {}
    unique = _unique_methods(modules)
    meant: dict[str, str] = {}
    for module in modules.every:
        typed = _annotated(module)
        for item in module.facts.references:
            above = item.name.startswith("super().")
            target = (
                _of_base(last(item.name), item.scope, module, modules)
                if above
                else _meant(item.name, module, modules, unique, meant)
            )
            if target:
                edges = annotating if (item.scope, item.line) in typed else running
                edges.setdefault(node_of(module, item.scope), set()).add(target)
        _add_instance_calls(module, modules, running)
        _add_import_paths(module, modules, running)
    add_test_edges(modules, running)
    return Referring(_frozen(running), _frozen(annotating))


def _frozen(edges: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {node: frozenset(used) for node, used in edges.items()}


def _annotated(module: Module) -> set[tuple[str, int]]:
    """Scope and line of what is annotated and given no value, or a constant: whatever stands there is a type."""
    found = {
        (cls.name, field.line)
        for cls in module.facts.classes
        for field in cls.fields
        if not field.default or _CONSTANT.fullmatch(field.default)
    }
    found.update(
        (item.scope, item.line)
        for item in module.facts.assignments
        if "[" not in item.target and _CONSTANT.fullmatch(item.value)
    )
    return found


def _add_instance_calls(module: Module, modules: Modules, edges: dict[str, set[str]]) -> None:
    """Calling an instance of a class of the tree runs its ``__call__``, or what a library base calls for it."""
    for call in module.facts.calls:
        target = modules.canonical(call.target, module)
        if not target.endswith("()") or modules.class_of(target[:-2]) is None:
            continue
        method = next((found for name in _CALLED if (found := modules.method(target[:-2], name))), "")
        if method:
            edges.setdefault(node_of(module, call.scope), set()).add(method)


def _add_import_paths(module: Module, modules: Modules, edges: dict[str, set[str]]) -> None:
    """A string that is the import path of a class or function (``"pkg.models:Net"``) leads there, as lazy tables and
    factories do. A test that names one replaces it."""
    for text in module.facts.texts if module.countable else ():
        if "." not in text.text or not _IMPORT_PATH.fullmatch(text.text):
            continue
        origin, inner = modules.split(text.text.replace(":", "."))
        if origin is not None and (inner in origin.classes or inner in origin.functions):
            edges.setdefault(node_of(module, text.scope), set()).add(node_of(origin, inner))


def _meant(
    name: str, module: Module, modules: Modules, unique: Mapping[str, str], meant: dict[str, str]
) -> str:
    """The node that ``name`` in ``module`` stands for; ``meant`` remembers those of absolute names."""
    if name.startswith("?."):
        return unique.get(last(name), "")
    absolute = modules.canonical(name, module)
    node = meant.get(absolute)
    if node is None:
        node = meant[absolute] = definition_of(absolute, modules)
    return node


def _of_base(method: str, scope: str, module: Module, modules: Modules) -> str:
    """The method that ``super().method`` means in a method, or a function within one."""
    owner = scope.rpartition(".")[0]
    while owner and owner not in module.classes:
        owner = owner.rpartition(".")[0]
    bases = modules.ancestors(node_of(module, owner)) if owner else ()
    return next((found for base in bases if (found := modules.method(base, method))), "")


def _unique_methods(modules: Modules) -> dict[str, str]:
    """Methods whose name only one class of the tree defines: a call on an unknown receiver can only mean them."""
    owners: dict[str, set[str]] = {}
    for module in modules.every:
        if module.countable:
            for function in module.facts.functions:
                if function.scope in module.classes:
                    owners.setdefault(last(function.name), set()).add(node_of(module, function.name))
    return {name: next(iter(nodes)) for name, nodes in owners.items() if len(nodes) == 1 and len(name) > 4}


def _add_structure(
    module: Module, modules: Modules, edges: dict[str, set[str]], *, whole_classes: bool
) -> None:
    for function in module.facts.functions:
        owner, _, name = function.name.rpartition(".")
        is_method = owner in module.classes
        runs = is_method and (whole_classes or _runs_by_itself(module, owner, name, modules))
        if runs or owner in module.functions:
            edges.setdefault(node_of(module, owner), set()).add(node_of(module, function.name))
        if is_method and name not in _BUILDERS:
            _add_override(module, owner, name, modules, edges)
    for cls in module.facts.classes:
        for base in cls.bases:
            used = definition_of(modules.canonical(base, module), modules) if "=" not in base else ""
            if used:
                edges.setdefault(node_of(module, cls.name), set()).add(used)


def _runs_by_itself(module: Module, owner: str, name: str, modules: Modules) -> bool:
    """Constructors, and the hooks that a library base calls; what a user must call by name does not."""
    if name in _CONSTRUCTORS:
        return True
    bases = [base for base in modules.ancestors(node_of(module, owner)) if modules.class_of(base) is None]
    return bool(set(bases) - {"object", "abc.ABC"}) and not name.startswith(_EXPLICIT)


def _add_override(
    module: Module, owner: str, name: str, modules: Modules, edges: dict[str, set[str]]
) -> None:
    for ancestor in modules.ancestors(f"{module.name}.{owner}" if module.name else owner):
        found = modules.class_of(ancestor)
        if found is not None and f"{found[1].name}.{name}" in found[0].functions:
            edges.setdefault(f"{ancestor}.{name}", set()).add(node_of(module, f"{owner}.{name}"))
