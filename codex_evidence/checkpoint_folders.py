"""What the names in a run's folder of checkpoints mean, also after a process was killed at any moment.

step-000500       a checkpoint
step-000500.tmp   one that is being written or removed: nothing reads it
step-000500.old   a whole one, put aside so that its successor can take its name. Until that is there it is the
                  checkpoint of its step; from then on nothing reads it.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from codex_evidence.errors import UnreadableError
from codex_evidence.names import shown

GROWING, ASIDE = ".tmp", ".old"

_NAME = re.compile(r"step-([0-9]{6,})(\.tmp|\.old)?")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in a folder of checkpoints. ``whole`` are the checkpoints by step, ascending, one that is put aside with
    the name that it has now. ``left`` are the folders of killed processes that nothing reads; ``strange`` is anything
    else, which no process of this program put there."""

    whole: dict[int, Path]
    left: tuple[Path, ...]
    strange: tuple[Path, ...]


def checkpoint_name(step: int) -> str:
    """The folder's name of the checkpoint after optimizer step ``step``."""
    return f"step-{step:06d}"


def named_step(name: str) -> int | None:
    """The step of the checkpoint that ``name`` can be of, also put aside; None when it is no checkpoint's name."""
    step, ending = _parsed(name)
    return None if ending == GROWING else step


def standing(folder: Path) -> Standing:
    """What is in ``folder``, by the names alone; nothing when it is not there. Raises UnreadableError."""
    try:
        with os.scandir(folder) as entries:
            there = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    except FileNotFoundError:
        there = {}
    except OSError as error:
        raise UnreadableError(f"cannot read {shown(folder)}: {error.strerror}") from error
    whole: dict[int, Path] = {}
    left, strange = [], []
    for name in sorted(there):  # a name comes before the same one with an ending
        step, ending = _parsed(name)
        if step is None or not there[name]:
            strange.append(folder / name)
        elif ending == GROWING or step in whole:
            left.append(folder / name)
        else:
            whole[step] = folder / name
    return Standing(dict(sorted(whole.items())), tuple(left), tuple(strange))


def tidy(folder: Path) -> None:
    """Gives every checkpoint in ``folder`` its name back and removes what killed processes left. Raises OSError and
    UnreadableError."""
    found = standing(folder)
    for path in found.left:
        shutil.rmtree(path)
    for path in found.strange:  # what stands where a checkpoint is to grow
        if _parsed(path.name)[1] in (GROWING, ASIDE):
            path.unlink()
    for step, path in found.whole.items():
        if path.name != checkpoint_name(step) and not os.path.lexists(folder / checkpoint_name(step)):
            path.rename(folder / checkpoint_name(step))


def _parsed(name: str) -> tuple[int | None, str]:
    """Step and ending of a name; None and nothing for a stranger's."""
    match = _NAME.fullmatch(name)
    if match is None or not match[0].startswith(checkpoint_name(int(match[1]))):
        return None, ""
    return int(match[1]), match[2] or ""
