"""The dotted import name of a Python file, from where packages begin."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

SOURCE_ROOTS = frozenset({"src", "lib", "python"})


def package_folders(paths: AbstractSet[str]) -> frozenset[str]:
    """The folders that hold an ``__init__.py``, without the root."""
    return frozenset(path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py"))


def module_name(path: str, packages: AbstractSet[str]) -> str:
    """``src/pkg/sub/mod.py`` is ``pkg.sub.mod``. A file below no package is named from the root of the tree, a
    leading source folder left out, because that is how scripts beside each other import; other files have no name."""
    if not path.endswith((".py", ".pyi", ".ipynb")):
        return ""
    *folders, name = path.split("/")
    top = next((cut for cut in range(len(folders)) if "/".join(folders[: cut + 1]) in packages), None)
    if top is None:
        top = 1 if folders and folders[0] in SOURCE_ROOTS else 0
    stem = name.rpartition(".")[0]
    parts = [*folders[top:], *([] if stem == "__init__" else [stem])]
    return ".".join(parts)
