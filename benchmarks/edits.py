"""One more line in a function of the file that most others import."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

FROM = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#\\]*)", re.M)
IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.M)
NAME = re.compile(r"([\w.]+)(?:\s+as\s+\w+)?")


@dataclass(frozen=True, slots=True)
class Edit:
    """A place inside a function of ``file``, before line ``at`` (from 0). ``times`` are access and change in ns."""

    file: Path
    original: bytes
    at: int
    indentation: bytes
    times: tuple[int, int]

    def apply(self, line: str) -> None:
        """Write the original with ``line`` added."""
        lines = self.original.splitlines(keepends=True)
        added = self.indentation + line.encode() + b"\n"
        self.file.write_bytes(b"".join((*lines[: self.at], added, *lines[self.at :])))

    def restore(self) -> None:
        """Write the original, as old as it was."""
        self.file.write_bytes(self.original)
        os.utime(self.file, ns=self.times)


def widest_edit(tree: Path, paths: list[str]) -> tuple[str, int, Edit]:
    """The most imported of ``paths`` that has a place for a line, by how many it is imported, and the place.
    Raises ValueError when none has one."""
    counts = importers({path: _text(tree / path) for path in paths})
    for path in sorted(paths, key=lambda path: (-counts[path], path)):
        edit = find_place(tree / path)
        if edit is not None:
            return path, counts[path], edit
    raise ValueError(f"{tree} has no Python function of two statements to put a line into")


def find_place(file: Path) -> Edit | None:
    """Before the last statement of the first function with two or more; None without one."""
    data = file.read_bytes()
    lines = data.splitlines(keepends=True)
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or len(node.body) < 2:
            continue
        last = node.body[-1]
        indentation = lines[last.lineno - 1][: last.col_offset]
        decorated = isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if indentation.isspace() and not decorated:
            known = file.stat()
            return Edit(file, data, last.lineno - 1, indentation, (known.st_atime_ns, known.st_mtime_ns))
    return None


def importers(sources: Mapping[str, str]) -> Counter[str]:
    """How many of the files import each, by a regular expression. Keys are paths below the root."""
    names = {path: module_name(path, sources) for path in sources}
    files = {name: path for path, name in names.items()}
    counts: Counter[str] = Counter()
    for path, text in sources.items():
        wanted = {files.get(name) for name in _imported(text, names[path], path.endswith("/__init__.py"))}
        counts.update(found for found in wanted if found not in (None, path))
    return counts


def module_name(path: str, paths: Mapping[str, str]) -> str:
    """The dotted name: folders count as long as they hold an ``__init__.py``."""
    place = PurePosixPath(path)
    parts = [] if place.name == "__init__.py" else [place.stem]
    for folder in place.parents:
        if f"{folder}/__init__.py" not in paths:
            break
        parts.insert(0, folder.name)
    return ".".join(parts)


def _imported(text: str, module: str, is_package: bool) -> Iterator[str]:
    for found in IMPORT.finditer(text):
        yield from NAME.findall(found[1])
    for dots, base, names in FROM.findall(text):
        above = module.split(".")[: len(module.split(".")) - len(dots) + is_package] if dots else []
        stem = ".".join((*above, *filter(None, base.split("."))))
        yield stem
        yield from (f"{stem}.{name}" for name in NAME.findall(names))


def _text(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")
