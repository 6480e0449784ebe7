"""The same program under other names: every import of a tree rewritten in one of the ways in which people write them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

Sources = Mapping[str, str]
Objects = list[tuple[str, str]]
"""What a module imports, as (module, name in it); the object at index ``i`` is called ``alias_i`` in the rewritten text."""


def aliased(sources: Sources, style: str) -> dict[str, str]:
    """``sources`` (Python files of one package) with all imported names written in ``style``, a key of ``STYLES``."""
    made: dict[str, str] = {}
    for path, text in sources.items():
        body, objects = _under_aliases(text)
        made |= STYLES[style](path, body, objects)
    return made


def _under_aliases(text: str) -> tuple[str, Objects]:
    """The text without its imports, each imported object under its alias, and what the aliases stand for."""
    module, objects = ast.parse(text), list[tuple[str, str]]()
    renamed = _Renamer(_bound(module), objects).visit(module)
    return ast.unparse(ast.fix_missing_locations(renamed)), objects


def _bound(module: ast.Module) -> dict[str, str]:
    """The dotted name behind each name that an import binds anywhere in the module."""
    found: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for item in node.names:
                head = item.name.partition(".")[0]
                found[item.asname or head] = item.name if item.asname else head
        elif isinstance(node, ast.ImportFrom):
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self, bound: Mapping[str, str], objects: Objects) -> None:
        self.bound, self.objects = bound, objects

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        return ast.Pass()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._alias(self.bound[node.id].split(".")) if node.id in self.bound else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        parts = ast.unparse(node).split(".")
        if parts[0] not in self.bound or not all(part.isidentifier() for part in parts):
            return self.generic_visit(node)
        whole = [*self.bound[parts[0]].split("."), *parts[1:]]
        if isinstance(node.ctx, ast.Store):
            return ast.Attribute(self._alias(whole[:-1]), whole[-1], node.ctx)
        return self._alias(whole)

    def _alias(self, parts: list[str]) -> ast.expr:
        """The alias of the object; a class ends its name, and what follows is an attribute of it."""
        cut = next((index + 1 for index, part in enumerate(parts) if part[:1].isupper()), len(parts))
        thing = (".".join(parts[: cut - 1]), parts[cut - 1])
        if thing not in self.objects:
            self.objects.append(thing)
        made: ast.expr = ast.Name(f"alias_{self.objects.index(thing)}", ast.Load())
        for part in parts[cut:]:
            made = ast.Attribute(made, part, ast.Load())
        return made


def _import_as(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``import a.b as short_0`` and ``short_0.c``."""
    modules = list(dict.fromkeys(module for module, _ in objects))
    header = [f"import {module} as short_{index}" for index, module in enumerate(modules)]
    whole = re.sub(
        r"\balias_(\d+)\b",
        lambda found: f"short_{modules.index(objects[int(found[1])][0])}.{objects[int(found[1])][1]}",
        body,
    )
    return {path: "\n".join([*header, whole])}


def _from_as(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from a.b import c as alias_0``."""
    return {path: "\n".join([*_froms(objects), body])}


def _assigned(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``import a.b`` and ``alias_0 = a.b.c``."""
    return {path: "\n".join([*_assignments(objects), body])}


def _assigned_in_functions(path: str, body: str, objects: Objects) -> dict[str, str]:
    """The same, each alias made again inside the functions that use it."""
    module = ast.parse("\n".join([*_assignments(objects), body]))
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            used = {item.id for inner in node.body for item in ast.walk(inner) if isinstance(item, ast.Name)}
            local = [f"own_{name} = {name}" for name in sorted(used) if re.fullmatch(r"alias_\d+", name)]
            renamed = re.sub(r"\b(alias_\d+)\b", r"own_\1", "\n".join(map(ast.unparse, node.body)))
            node.body = ast.parse("\n".join([*local, renamed])).body
    return {path: ast.unparse(module)}


def _guarded(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from a.b import c as alias_0`` in a ``try``, and ``alias_0 = None`` where that fails."""
    guarded = [
        f"try:\n    {line}\nexcept ImportError:\n    alias_{index} = None"
        for index, line in enumerate(_froms(objects))
    ]
    return {path: "\n".join([*guarded, body])}


def _in_functions(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from a.b import c as alias_0`` again in each function that uses it."""
    module = ast.parse("\n".join([*_froms(objects), body]))
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            used = {item.id for inner in node.body for item in ast.walk(inner) if isinstance(item, ast.Name)}
            again = [line for line in _froms(objects) if line.rpartition(" ")[2] in used]
            node.body = [*ast.parse("\n".join(again)).body, *node.body]
    return {path: ast.unparse(module)}


def _through_module(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from . import names_of_x as short`` and ``short.alias_0``."""
    folder, name = _names_beside(path)
    text = ["from __future__ import annotations", *_froms(objects)]
    return {
        path: f"from . import {name} as short\n" + re.sub(r"\b(alias_\d+)\b", r"short.\1", body),
        f"{folder}/{name}.py": "\n".join(text) + "\n",
    }


def _reexported(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from pkg.names_of_x import alias_0``, where that is a package that imports it from a module of its own."""
    folder, name = _names_beside(path)
    again = ", ".join(f"alias_{index}" for index in range(len(objects))) or "annotations"
    return {
        path: f"from {_dotted(folder)}.{name} import {again}\n{body}",
        f"{folder}/{name}/__init__.py": f"from .inner import {again}\n",
        f"{folder}/{name}/inner.py": "\n".join(["from __future__ import annotations", *_froms(objects)]),
    }


def _reexported_by_star(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from .names_of_x import *``."""
    folder, name = _names_beside(path)
    return {path: f"from .{name} import *\n{body}", f"{folder}/{name}.py": "\n".join(_froms(objects)) + "\n"}


def _assigned_elsewhere(path: str, body: str, objects: Objects) -> dict[str, str]:
    """``from .names_of_x import alias_0``, where that is assigned: ``alias_0 = a.b.c``."""
    folder, name = _names_beside(path)
    again = ", ".join(f"alias_{index}" for index in range(len(objects))) or "annotations"
    text = ["from __future__ import annotations", *_assignments(objects)]
    return {path: f"from .{name} import {again}\n{body}", f"{folder}/{name}.py": "\n".join(text) + "\n"}


STYLES: Mapping[str, Callable[[str, str, Objects], dict[str, str]]] = {
    "import x as y": _import_as,
    "from x import a as b": _from_as,
    "b = x.a": _assigned,
    "b = x.a inside functions": _assigned_in_functions,
    "from x import a as b, if there is one": _guarded,
    "from x import a as b inside functions": _in_functions,
    "through a module of names": _through_module,
    "re-exported through a package": _reexported,
    "re-exported by a star": _reexported_by_star,
    "assigned in another module": _assigned_elsewhere,
}


def _froms(objects: Objects) -> list[str]:
    return [f"from {module} import {name} as alias_{index}" for index, (module, name) in enumerate(objects)]


def _assignments(objects: Objects) -> list[str]:
    imports = sorted({f"import {module}" for module, _ in objects})
    return [*imports, *(f"alias_{index} = {module}.{name}" for index, (module, name) in enumerate(objects))]


def _names_beside(path: str) -> tuple[str, str]:
    place = PurePosixPath(path)
    return str(place.parent), f"names_of_{place.stem.strip('_')}"


def _dotted(folder: str) -> str:
    return folder.replace("/", ".")
