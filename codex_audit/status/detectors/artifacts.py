"""Files that a run or a build makes and that are part of the tree all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.artifacts import Effort, FileEntry
from codex_audit.status.ground import ASIDE, Ground
from codex_audit.status.model import Citation, Finding, Level
from codex_audit.status.words import count

NAME = "committed-artifact"
_SHOWN = 3
_LARGE = 5 << 20
_FIXTURE = 256 << 10


@dataclass(frozen=True, slots=True)
class Kind:
    """``pattern`` matches a whole lower-case path; ``ignore`` are the lines that .gitignore wants."""

    what: str
    pattern: re.Pattern[str]
    level: Level
    risk: str
    remedy: str
    ignore: tuple[str, ...]
    effort: Effort = "minutes"


_DELETE = "Take it out of the index (`git rm --cached`) and name it in .gitignore."
KINDS = (
    Kind(
        "environment file",
        re.compile(r"(?:.*/)?\.env(?:\.(?:local|production|prod|dev|development|staging))?"),
        "high",
        "Such files hold credentials; whatever was committed once has to be counted as known.",
        "Take it out of the index, change what it holds, and commit a .env.example with empty values.",
        (".env", ".env.local"),
    ),
    Kind(
        "checkpoint",
        re.compile(r".*\.(?:pt|pth|ckpt|safetensors|h5|hdf5|onnx|gguf|pkl|pickle|joblib)"),
        "medium",
        "Every clone carries the weights for ever, and nothing says which code made them.",
        "Keep weights in a store or git-lfs with their digest, and the digest in the tree.",
        ("*.pt", "*.pth", "*.ckpt", "*.safetensors"),
        "hours",
    ),
    Kind(
        "log or run record",
        re.compile(
            r"(?:.*/)?(?:wandb|mlruns|lightning_logs|tensorboard|tb_logs)/.+|.*\.log|.*events\.out\.tfevents.*"
        ),
        "low",
        "The tree grows with each run, and reviews drown in it.",
        _DELETE,
        ("*.log", "wandb/", "mlruns/"),
    ),
    Kind(
        "build or cache file",
        re.compile(
            r"(?:.*/)?(?:__pycache__|\.ipynb_checkpoints|\.mypy_cache|\.pytest_cache|\.ruff_cache)/.+|.*\.py[co]"
            r"|(?:.*/)?\.ds_store|(?:.*/)?\.coverage|(?:build|dist)/.+\.(?:whl|tar\.gz|egg)"
        ),
        "low",
        "They belong to one machine and go stale on the next.",
        _DELETE,
        ("__pycache__/", "*.pyc", ".DS_Store", ".coverage", "dist/"),
    ),
)


def detect(ground: Ground) -> Iterator[Finding]:
    for kind, entries in found_kinds(ground):
        yield Finding(
            NAME,
            f"{count(len(entries), kind.what)} in the tree ({_size(sum(entry.size for entry in entries))})",
            kind.level,
            kind.risk,
            len(entries),
            tuple(Citation(entry.path) for entry in entries[:_SHOWN]),
            kind.remedy,
            kind.effort,
            max(0, len(entries) - _SHOWN),
        )
    large = [
        entry
        for entry in ground.committed()
        if entry.binary and entry.size > _LARGE and not kind_of(entry, ground)
    ]
    if large:
        yield Finding(
            NAME,
            f"{count(len(large), 'binary file')} of more than 5 MB ({_size(sum(entry.size for entry in large))})",
            "low",
            "Every clone and every CI job downloads them.",
            len(large),
            tuple(Citation(entry.path) for entry in large[:_SHOWN]),
            "Keep them in a store or git-lfs, and their digest in the tree.",
            "hours",
            max(0, len(large) - _SHOWN),
        )


def found_kinds(ground: Ground) -> list[tuple[Kind, list[FileEntry]]]:
    """Each kind of which the tree holds files, and these."""
    by_kind: dict[str, list[FileEntry]] = {}
    for entry in ground.committed():
        kind = kind_of(entry, ground)
        if kind is not None:
            by_kind.setdefault(kind.what, []).append(entry)
    return [(kind, by_kind[kind.what]) for kind in KINDS if kind.what in by_kind]


def kind_of(entry: FileEntry, ground: Ground) -> Kind | None:
    """What kind of left-over a file is; None for a part of the project. A small one among tests is a fixture."""
    kind = next((kind for kind in KINDS if kind.pattern.fullmatch(entry.path.lower())), None)
    if kind is None or (kind.what == "checkpoint" and not entry.binary):
        return None
    fixture = ground.facets(entry.path) & ASIDE and entry.size <= _FIXTURE
    return None if fixture and kind.level != "high" else kind


def _size(size: int) -> str:
    for unit, step in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return count(size, "byte")
