"""The pre-commit configuration: made where there is none, extended where it lacks a scan."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.status.known import Known
from codex_audit.status.model import AtomicDiff
from codex_audit.status.patches import unified

PATH = ".pre-commit-config.yaml"
_BASE = """\
repos:
  - repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v5.0.0
    hooks:
      - id: check-added-large-files
      - id: check-merge-conflict
      - id: check-yaml
      - id: end-of-file-fixer
"""
# By probe: the entry that answers it, indented for a list below ``repos:``.
_ENTRIES = {
    "security.secret-scan": """\
  - repo: https://github.com/Yelp/detect-secrets
    rev: v1.5.0
    hooks:
      - id: detect-secrets
""",
    "security.static-analysis": """\
  - repo: https://github.com/PyCQA/bandit
    rev: 1.8.0
    hooks:
      - id: bandit
        args: [--severity-level, medium]
        exclude: (^|/)tests?/
""",
}
_LAST = re.compile(r"^(?P<indent> *)- repo:", re.MULTILINE)


def hooks_diff(known: Known) -> Iterator[AtomicDiff]:
    """One diff for all of it, because two would touch the same lines."""
    if "ci.hooks" in known.unshipped:
        return
    missing = [probe for probe in _ENTRIES if known.counted(probe) == "no"]
    text = known.sources.text(PATH) if PATH in known.ground.entries else None
    if PATH in known.ground.entries:
        closes, new = missing, _extended(text, missing) if text is not None else ""
    else:
        first = ["ci.hooks"] if known.counted("ci.hooks") == "no" else []
        closes, new = [*first, *missing], _BASE + "".join(_ENTRIES[probe] for probe in missing)
    if closes and new:
        yield AtomicDiff(
            f"{'Extend' if text is not None else 'Add'} the pre-commit hooks",
            ", ".join(closes),
            known.probes[closes[0]].risk,
            "The first run reports what is there already: fix it, or record a baseline in the same commit.",
            f"Take the entries out of `{PATH}`." if text is not None else f"Delete `{PATH}`.",
            "pre-commit run --all-files",
            unified(PATH, text, new),
        )


def _extended(text: str, missing: list[str]) -> str:
    """The file with the entries at its end; empty when its end is not the list of repositories."""
    indents = {match["indent"] for match in _LAST.finditer(text)}
    tops = re.findall(r"^[A-Za-z_][\w-]*(?=\s*:)", text, re.MULTILINE)
    if len(indents) != 1 or not tops or tops[-1] != "repos" or "\r" in text or not missing:
        return ""
    indent = indents.pop()
    entries = "".join(_ENTRIES[probe] for probe in missing)
    moved = "".join(f"{indent}{row[2:]}" for row in entries.splitlines(keepends=True))
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{moved}"
