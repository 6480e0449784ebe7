"""Packages that hold nothing yet, and modules of which every function is a stub."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.facts.model import FileFacts, Function
from codex_audit.query.modules import Module
from codex_audit.status.ground import ASIDE, Ground
from codex_audit.status.model import Citation, Finding
from codex_audit.status.words import count

NAME = "placeholder"
_KEEPERS = frozenset({".gitkeep", ".keep", ".placeholder"})
_LEAST_STUBS = 2
_ABSTRACT = ("abstractmethod", "abstractproperty", "overload", "abstractclassmethod", "abstractstaticmethod")
_INTERFACES = ("ABC", "Protocol", "ABCMeta", "Interface", "TypedDict", "NamedTuple", "Enum")


def detect(ground: Ground) -> Iterator[Finding]:
    empty = _empty_folders(ground)
    if empty:
        yield Finding(
            NAME,
            f"{count(len(empty), 'package')} with no code at all",
            "low",
            "They look like features that exist; imports succeed and nothing is there.",
            len(empty),
            tuple(empty[:4]),
            "Delete them, or note in the ledger who fills them and when.",
            "minutes",
            max(0, len(empty) - 4),
        )
    hollow = [place for module in ground.modules if (place := _all_stubs(module, ground)) is not None]
    if hollow:
        yield Finding(
            NAME,
            f"{count(len(hollow), 'module')} of which every function is a stub",
            "medium",
            "Callers find the name, call it and get nothing, or NotImplementedError at run time.",
            len(hollow),
            tuple(hollow[:4]),
            "Write the body, mark the class abstract, or delete the module.",
            "hours",
            max(0, len(hollow) - 4),
        )


def _empty_folders(ground: Ground) -> list[Citation]:
    """Outermost folders that hold an empty ``__init__.py`` or a keeper, and below them nothing that says anything."""
    says: set[str] = set()
    marked: dict[str, str] = {}
    for file in ground.tree.files:
        folder, _, name = file.path.rpartition("/")
        hollow = _hollow(file, ground)
        if hollow and (name == "__init__.py" or name in _KEEPERS) and not file.facets & ASIDE and folder:
            marked.setdefault(folder, file.path)
        if not hollow:
            says.update(_above(file.path))
    empty = sorted(folder for folder in marked if folder not in says)
    outer = [folder for folder in empty if not set(_above(folder)) & set(empty)]
    return [Citation(marked[folder]) for folder in outer]


def _hollow(file: FileFacts, ground: Ground) -> bool:
    name = file.path.rpartition("/")[2]
    entry = ground.entries[file.path]
    if name in _KEEPERS or entry.size == 0:
        return True
    return file.python is not None and not file.python.statements


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:cut]) for cut in range(1, len(parts) + 1)]


def _all_stubs(module: Module, ground: Ground) -> Citation | None:
    functions = module.facts.functions
    if len(functions) < _LEAST_STUBS or not all(is_stub(item, module, ground) for item in functions):
        return None
    first = functions[0]
    return Citation(module.path, first.line, first.name.rpartition(".")[2])


def is_stub(function: Function, module: Module, ground: Ground) -> bool:
    """A function without a body that nobody is meant to override and that overrides nothing: at the top of a module, or
    of a class that is neither abstract nor derived from, whose bases in the tree do not have it, and that stands in for
    no class that may be imported instead."""
    if not function.stub or module.path.endswith(".pyi"):
        return False
    if any(mark.rpartition(".")[2] in _ABSTRACT for mark in function.decorators):
        return False
    owner = module.classes.get(function.scope)
    if owner is None:
        return not function.scope  # inside a function it is a value, made to do nothing
    if owner.name.rpartition(".")[2] in ground.derived_from or owner.decorators or "Error" in owner.name:
        return False
    if any(item.bound == owner.name for item in module.facts.imports):
        return False
    bases = [base.partition("[")[0].rpartition(".")[2].removesuffix("()") for base in owner.bases]
    return not any(base.endswith(_INTERFACES) for base in bases) and not _overrides(
        function.name.rpartition(".")[2], f"{module.name}.{owner.name}", ground
    )


def _overrides(name: str, owner: str, ground: Ground) -> bool:
    """Whether a class may have ``name`` from a base: one in the tree that has it, or one that is not in the tree."""
    modules = ground.tree.modules
    for base in modules.ancestors(owner):
        found = modules.class_of(base)
        if found is None and base != "object":
            return True
        if found is not None and f"{found[1].name}.{name}" in found[0].functions:
            return True
    return False
