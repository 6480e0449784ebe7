"""Names that documents show users how to import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from codex_audit.facts.model import DocFacts, FileFacts
from codex_audit.query.modules import Modules

_IMPORT = re.compile(
    r"^\s*(?:>>>\s*)?(?:from\s+([A-Za-z_][\w.]*)\s+import|import\s+([A-Za-z_][\w.]*))", re.MULTILINE
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_SIDE = frozenset({"test", "vendored", "generated"})


def documented_names(files: Iterable[FileFacts], modules: Modules) -> set[str]:
    """The identifiers in code blocks of documents that import from the tree, and the last segments of dotted names of
    the tree in inline code."""
    names: set[str] = set()
    for file in files:
        if file.doc is not None and not file.facets & _SIDE:
            names.update(_shown(file.doc, modules))
    return names


def _shown(doc: DocFacts, modules: Modules) -> Iterator[str]:
    imports = (found for fence in doc.fences for found in _IMPORT.findall(fence.text))
    if any(modules.defines_top(one or other) for one, other in imports):
        for fence in doc.fences:
            yield from _WORD.findall(fence.text)
    for span in doc.spans:
        for name in _DOTTED.findall(span.name):
            if modules.defines_top(name):
                yield name.rpartition(".")[2]
