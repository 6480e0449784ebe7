"""Whether two readings of a document say the same to every probe, but for where in the file it stands."""

from __future__ import annotations

from collections.abc import Container
from itertools import pairwise

from codex_audit.facts.model import DocFacts
from codex_audit.facts.python.moved import Moved


def moved_doc(old: DocFacts, new: DocFacts, telling: Container[str]) -> Moved | None:
    """How ``old`` became ``new`` when lines were moved, in their order, and words came or went of which none is
    ``telling``. None when anything else differs."""
    if old.prose != new.prose or any(word in telling for word in old.words ^ new.words):
        return None
    lines: dict[int, int] = {}
    for kind in ("headings", "fences", "links", "spans"):
        before, after = getattr(old, kind), getattr(new, kind)
        if [item._replace(line=0) for item in before] != [item._replace(line=0) for item in after]:
            return None
        for one, other in zip(before, after, strict=True):
            if lines.setdefault(one.line, other.line) != other.line:
                return None
    # The first line stands for the whole file as well.
    if any((one == 1) != (other == 1) for one, other in lines.items()) or any(
        one >= other for one, other in pairwise(lines[key] for key in sorted(lines))
    ):
        return None
    return Moved(tuple(lines.get(line, line) for line in range(1, max(lines, default=0) + 1)))
