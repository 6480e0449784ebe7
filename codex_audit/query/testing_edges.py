"""What a test uses without naming it in its body: fixtures, set-up, parameters, and attributes of its class."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from codex_audit.facts.model import Class, Function
from codex_audit.query.graph import definition_of, node_of
from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import last

Edges = dict[str, set[str]]

_SET_UP = ("setUp", "setup_method", "setUpClass", "setup_class", "asyncSetUp")
_GIVES_CASES = frozenset({"parametrize", "param", "fixture", "expand", "parameterized_class", "product"})
_NAME = re.compile(r":?\.*[A-Za-z_][\w.]*")


def add_test_edges(modules: Modules, edges: Edges) -> None:
    """Add to ``edges``, which hold what every node names, what the tests of a tree use beside that."""
    named = {
        node: set(edges[node])
        for module in modules.every
        if "test" in module.file.facets
        for cls in module.facts.classes
        if (node := node_of(module, cls.name)) in edges
    }
    conftests = [module for module in modules.every if module.path.endswith("conftest.py")]
    for module in modules.every:
        if "test" in module.file.facets:
            _add_fixtures(module, modules, conftests, edges)
            _add_parameters(module, modules, edges)
            _add_attributes(module, modules, named, edges)


def _add_fixtures(module: Module, modules: Modules, conftests: list[Module], edges: Edges) -> None:
    """A test uses the fixtures it asks for by parameter name, and a test method the set-up of its class."""
    above = [item for item in conftests if module.path.startswith(item.path.removesuffix("conftest.py"))]
    fixtures = {
        last(function.name): node_of(other, function.name)
        for other in (*above, module)
        for function in other.facts.functions
        if any(last(mark) == "fixture" for mark in function.decorators)
    }
    set_up = {
        cls.name: {modules.method(node_of(module, cls.name), name) for name in _SET_UP} - {""}
        for cls in module.facts.classes
    }
    for function in module.facts.functions:
        node = node_of(module, function.name)
        used = {fixtures[item.name] for item in function.parameters if item.name in fixtures}
        used |= set_up.get(function.scope, set())
        edges.setdefault(node, set()).update(used - {node})


def _add_parameters(module: Module, modules: Modules, edges: Edges) -> None:
    """A test runs what its decorators give it as cases: ``@pytest.mark.parametrize("cls", [Linear, Conv])``."""
    marked: list[Function | Class] = [item for item in module.facts.functions if item.decorators]
    marked += [item for item in module.facts.classes if item.decorators]
    marked.sort(key=lambda item: item.line)
    lines = [item.line for item in marked]
    for call in module.facts.calls:
        place = bisect_left(lines, call.line) if last(call.target) in _GIVES_CASES else len(lines)
        if place == len(lines) or marked[place].scope != call.scope:
            continue
        values = [item.value for item in call.arguments]
        given = {
            definition_of(modules.canonical(name, module), modules)
            for value in values
            for name in _NAME.findall(_without_texts(value))
        }
        if "?" in values:  # a list that stands elsewhere in the module
            given |= _listed(module, modules)
        for name in _cases_of(marked[place], module):
            edges.setdefault(node_of(module, name), set()).update(given - {"", module.name})


def _without_texts(value: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", value)


def _listed(module: Module, modules: Modules) -> set[str]:
    """What the lists and tables of a module hold."""
    return {
        definition_of(modules.canonical(name, module), modules)
        for item in module.facts.assignments
        if not item.scope and item.value[:1] in "[({"
        for name in _NAME.findall(_without_texts(item.value))
    }


def _cases_of(item: Function | Class, module: Module) -> Iterator[str]:
    """A decorated function, or the methods of a decorated class."""
    yield item.name
    if item.name in module.classes:
        yield from (function.name for function in module.facts.functions if function.scope == item.name)


def _add_attributes(module: Module, modules: Modules, named: Mapping[str, set[str]], edges: Edges) -> None:
    """The tests of a class, inherited ones too, use what its body names: ``model_class = Linear``. A node of its
    own (the name of the class with ``()``) stands for what the classes that have a test give it."""
    for cls in module.facts.classes:
        node = node_of(module, cls.name)
        given = named.get(node)
        if not given:
            continue
        for owner in (node, *modules.ancestors(node)):
            found = modules.class_of(owner)
            if found is None or "test" not in found[0].file.facets:
                continue
            edges.setdefault(f"{owner}()", set()).update(given)
            for test in found[0].facts.tests:
                if test.name.rpartition(".")[0] == found[1].name:
                    edges.setdefault(node_of(found[0], test.name), set()).add(f"{owner}()")
