"""Trees of facts from Python source in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import FileFacts
from codex_audit.facts.naming import module_name, package_folders
from codex_audit.facts.read import read_file
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree


def tree_of(sources: Mapping[str, str]) -> Tree:
    """The tree whose files are ``sources`` (path to dedented text)."""
    packages = package_folders(frozenset(sources))

    def read(path: str) -> FileFacts:
        data = textwrap.dedent(sources[path]).encode()
        facets = facets_of(path, sources.keys(), data[:4096])
        return read_file(path, data, facets, module_name(path, packages))

    return Tree(files=tuple(read(path) for path in sorted(sources)), defaults=load_defaults())
