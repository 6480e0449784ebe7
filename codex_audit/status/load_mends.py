"""Loads of pickles that one argument makes safe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.ask import ask
from codex_audit.facts.read import read_file
from codex_audit.query.tree import Tree
from codex_audit.status.known import Known
from codex_audit.status.model import AtomicDiff
from codex_audit.status.patches import unified
from codex_audit.status.words import names

PROBE = "security.safe-load"
_ASIDE = frozenset({"test", "vendored", "generated"})
_LOAD = re.compile(r"torch\.load\((?P<inside>[^()]*(?:\([^()]*\)[^()]*)*)\)")


def load_diffs(known: Known) -> Iterator[AtomicDiff]:
    """``weights_only=True`` for calls of ``torch.load`` on one line that say nothing of it, a diff for each file. The
    probe is asked again with all of them applied: what keeps it at no is said in each."""
    if known.counted(PROBE) != "no":
        return
    mended = dict(_mended(known))
    patches = {path: unified(path, old, new) for path, (old, new) in mended.items()}
    patches = {path: patch for path, patch in patches.items() if patch}
    if not patches:
        return
    left = _left(known, {path: mended[path][1] for path in patches})
    for path, patch in patches.items():
        yield AtomicDiff(
            f"Load tensors only in `{path}`",
            PROBE,
            known.probes[PROBE].risk,
            "A file that holds other objects than tensors and plain containers is refused.",
            "Take the argument out where a trusted file needs it, and say why beside it.",
            f"load a checkpoint that is in use through {names([path])}",
            patch,
            settles=not left,
            besides=_besides(left, len(patches) - 1),
        )


def _mended(known: Known) -> Iterator[tuple[str, tuple[str, str]]]:
    """By path, the text as it is and as it should be."""
    by_path: dict[str, list[int]] = {}
    for place in known.answers[PROBE].near:
        if not known.ground.facets(place.path) & _ASIDE:
            by_path.setdefault(place.path, []).append(place.line)
    for path, lines in by_path.items():
        text = known.sources.text(path)
        rows = text.split("\n") if text is not None else []
        for line in lines:
            if 0 < line <= len(rows):
                rows[line - 1] = _LOAD.sub(_guarded, rows[line - 1])
        if text is not None and rows != text.split("\n"):
            yield path, (text, "\n".join(rows))


def _guarded(match: re.Match[str]) -> str:
    inside = match["inside"]
    if "weights_only" in inside or not inside.strip():
        return match[0]
    return f"torch.load({inside.rstrip().rstrip(',')}, weights_only=True)"


def _left(known: Known, texts: Mapping[str, str]) -> tuple[Evidence, ...]:
    """What keeps the probe at no where the files of ``texts`` hold these."""
    tree = known.ground.tree
    files = tuple(
        read_file(file.path, texts[file.path].encode(), file.facets, file.module)
        if file.path in texts
        else file
        for file in tree.files
    )
    answer, _ = ask(Tree(files, tree.defaults, tree.mentioned), known.probes[PROBE])
    return answer.near if answer.verdict == "no" else ()


def _besides(left: tuple[Evidence, ...], others: int) -> str:
    """What it takes besides one diff: nothing, the ``others`` for the same probe, or that ``left`` goes too."""
    if left:
        keep = "one other place keeps" if len(left) == 1 else f"{len(left)} other places keep"
        return f"{keep} it at no, the first `{left[0].path}:{left[0].line}`"
    if not others:
        return ""
    those = "diff for it is" if others == 1 else f"{others} diffs for it are"
    return f"it turns to yes once the other {those} applied too"
