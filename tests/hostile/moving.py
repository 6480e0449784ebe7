"""The same program in another order, or in more files."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Sequence

from tests.hostile.layout import Lines

Shuffle = Callable[[Sequence[int]], Sequence[int]]


def reordered(text: str, shuffle: Shuffle) -> tuple[str, Lines]:
    """``text`` with the functions of each run of neighbouring top-level functions in another order.

    ``shuffle`` gives a permutation of the numbers it is handed. Functions that a decorator, a default or an annotation
    of the same run uses stay where they are.
    """
    lines = text.split("\n")
    order = list(range(1, len(lines) + 1))
    for run in _runs(ast.parse(text)):
        spans = [range(_first_line(node), (node.end_lineno or node.lineno) + 1) for node in run]
        moved = [spans[index] for index in shuffle(range(len(run)))]
        start, end = spans[0].start - 1, spans[-1].stop - 1
        between = [range(left.stop, right.start) for left, right in itertools.pairwise(spans)]
        made = [
            line for pair in zip(moved, [*between, range(0)], strict=True) for part in pair for line in part
        ]
        order[start:end] = made
    return "\n".join(lines[number - 1] for number in order), {old: new for new, old in enumerate(order, 1)}


def _runs(module: ast.Module) -> list[list[ast.FunctionDef]]:
    """Neighbouring top-level functions of different names, none of which needs another when it is defined."""
    runs: list[list[ast.FunctionDef]] = [[]]
    for node in module.body:
        known = {item.name for item in runs[-1]}
        if isinstance(node, ast.FunctionDef) and not known & (_needed(node) | {node.name}):
            runs[-1].append(node)
        else:
            runs.append([node] if isinstance(node, ast.FunctionDef) else [])
    return [run for run in runs if len(run) > 1]


def _needed(node: ast.FunctionDef) -> set[str]:
    """Names that are read when the function is defined, not when it is called."""
    early = [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
    return {item.id for part in early for item in ast.walk(part) if isinstance(item, ast.Name)}


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(mark.lineno for mark in node.decorator_list)])


def split_in_two(text: str, part: str) -> tuple[str, str] | None:
    """A module in two: what is left of it, which imports again what went, and the text of the module ``part``.

    What goes is one function or class with all of the module that it needs; None when that is everything or nothing.
    """
    module = ast.parse(text)
    makers = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for chosen in makers:
        gone = _closure(chosen, module, makers)
        if gone is not None and len(gone) < len(makers):
            imports = [node for node in module.body if isinstance(node, ast.Import | ast.ImportFrom)]
            part_body = [*imports, *(node for key, node in makers.items() if key in gone)]
            again = ast.ImportFrom(part, [ast.alias(key) for key in makers if key in gone], 0)
            left = [node for node in module.body if getattr(node, "name", None) not in gone]
            cut = next((index for index, node in enumerate(left) if node in imports), 0)
            left.insert(cut + 1, again)
            return _text(left), _text(part_body)
    return None


def _closure(
    chosen: str, module: ast.Module, makers: dict[str, ast.FunctionDef | ast.ClassDef]
) -> set[str] | None:
    """``chosen`` and what it uses of the module; None when that includes a variable, which cannot be in two places."""
    variables = {
        item.id
        for node in module.body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
        for item in ast.walk(node)
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
    }
    gone, pending = set[str](), [chosen]
    while pending:
        name = pending.pop()
        gone.add(name)
        used = {item.id for item in ast.walk(makers[name]) if isinstance(item, ast.Name)}
        if used & variables:
            return None
        pending += (used & set(makers)) - gone
    return gone


def _text(body: Sequence[ast.stmt]) -> str:
    return ast.unparse(ast.fix_missing_locations(ast.Module(list(body), []))) + "\n"
