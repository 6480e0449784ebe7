"""Which of a tree's model classes are whole models, and which are parts of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.tree import Tree

_PIECE = re.compile(
    r"Block|Mlp|MLP|FFN|FeedForward|Drop|Pool|Norm|Conv|Attention|Embed|(?:Head|Stem|Cell|Unit|Stage)$"
)


def whole(tree: Tree, classes: Found) -> Callable[[Evidence], bool]:
    """Whether a piece of evidence is a class that is made of most others of ``classes`` among those of its file, and
    no piece that others use."""
    nodes = {tree.node(item): item.path for item in classes.evidence}
    parts = _parts(tree, nodes)
    used = frozenset(part for some in parts.values() for part in some)
    made_of = {node: _reach(node, parts, nodes) for node in nodes}
    most: dict[str, int] = {}
    for node, path in nodes.items():
        most[path] = max(most.get(path, 0), made_of[node])

    def is_whole(item: Evidence) -> bool:
        node = tree.node(item)
        piece = node in used or _PIECE.search(last(node)) is not None
        return made_of[node] == most[item.path] and (made_of[node] > 0 or not piece)

    return is_whole


def _parts(tree: Tree, nodes: Mapping[str, str]) -> dict[str, set[str]]:
    """What each class uses of the others; a variant of a class beside it in its file uses nothing."""
    parts: dict[str, set[str]] = {node: set() for node in nodes}
    bases = {node: set(tree.modules.ancestors(node)) & nodes.keys() for node in nodes}
    for node in nodes:
        for user in tree.uses.users.get(node, ()):
            owner = user if user in nodes else user.rpartition(".")[0]
            variant = owner not in nodes or any(nodes[base] == nodes[owner] for base in bases[owner])
            if not variant and owner != node and node not in bases[owner]:
                parts[owner].add(node)
    return parts


def _reach(node: str, parts: Mapping[str, set[str]], nodes: Mapping[str, str]) -> int:
    """How many classes a class is made of: all within its file, and one step beyond."""
    seen, front = {node}, [node]
    while front:
        for part in parts[front.pop()] - seen:
            seen.add(part)
            if nodes[part] == nodes[node]:
                front.append(part)
    return len(seen) - 1
