"""Whether what an update cites is there: read from the files themselves, without the code that wrote the citations.

``python -m tests.status.checker TREE ...`` checks real trees.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from codex_audit.status.markdown import write
from codex_audit.status.model import Citation, StatusUpdate

_SPAN = re.compile(r"`([^`\n]+?):(\d+)`(?: \(`([^`\n]+)`\))?")


@dataclass(frozen=True, slots=True)
class Checked:
    """``wrong`` says of each bad citation what is wrong; ``cited`` and ``named`` count citations and those with a
    symbol, ``printed`` those in the Markdown."""

    cited: int
    named: int
    printed: int
    wrong: tuple[str, ...]


def check(tree: Path, update: StatusUpdate) -> Checked:
    places = list(citations(update))
    spans = printed(write(update).decode())
    wrong = [message for item in places if (message := problem(tree, item.path, item.line, item.symbol))]
    wrong += [message for path, line, symbol in spans if (message := problem(tree, path, line, symbol))]
    return Checked(len(places), sum(bool(item.symbol) for item in places), len(spans), tuple(wrong))


def printed(text: str) -> list[tuple[str, int, str]]:
    """Path, line and symbol of every citation in a Markdown text; a symbol that was cut short is left out."""
    return [
        (path, int(line), "" if symbol.endswith(" ...") else symbol)
        for path, line, symbol in _SPAN.findall(text)
    ]


def citations(value: Any) -> Iterator[Citation]:
    """Every citation in an update, however deep."""
    if isinstance(value, Citation):
        yield value
    elif is_dataclass(value):
        for item in fields(value):
            yield from citations(getattr(value, item.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from citations(item)


def problem(tree: Path, path: str, line: int, symbol: str) -> str:
    """What is wrong with a citation; empty when it is right."""
    place = tree / path
    if not place.is_file():
        return f"{path} is no file"
    if not line:
        return f"{path}: names {symbol} without a line" if symbol else ""
    rows = place.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if line > len(rows) or (line == len(rows) and not rows[-1]):
        return f"{path}:{line} is after the end"
    return "" if symbol in rows[line - 1] else f"{path}:{line} does not hold {symbol}: {rows[line - 1]}"


def main() -> int:
    from tests.status.planting import update_of

    bad = 0
    for name in sys.argv[1:]:
        checked = check(Path(name), update_of(Path(name)))
        print(f"{name}: {checked.cited} citations, {checked.named} with a name, {checked.printed} printed")
        print("\n".join(checked.wrong), end="\n" if checked.wrong else "")
        bad += len(checked.wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
