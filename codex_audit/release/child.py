"""Commands of the project, run under a time limit with what they print kept in a file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.release.profile import Command
from codex_audit.release.toml_key import toml_value
from codex_evidence.errors import UsageError
from codex_evidence.names import shown

_LAST = 4096


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: ``code`` is None where it did not within its limit. ``output`` is the file with all that it
    printed, ``last`` its last line that is not empty."""

    code: int | None
    output: Path
    last: str

    @property
    def how(self) -> str:
        """A clause for a reason."""
        ended = "did not end in time" if self.code is None else f"ended with exit code {self.code}"
        return f"{ended}: {self.last}" if self.last else ended


def keeping(folder: Path) -> Path:
    """Makes ``folder``, for what commands print and build, and keeps it out of git: it is no part of what is checked.
    Raises UsageError when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{shown(folder)} cannot be written ({error.strerror}); give another folder with --keep"
        ) from error
    return folder


def words(command: str, python: str) -> list[str]:
    """The words of ``command``, with ``python`` for the word `python`. Raises UsageError for an open quote."""
    try:
        split = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"profile: the command {command!a} cannot be split into words: {error}") from error
    return [python, *split[1:]] if split[:1] == ["python"] else split


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    output: Path,
    limit: float,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs ``argv`` in ``folder``; after ``limit`` seconds it and all that it started are killed."""
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with output.open("wb") as file:
            child = subprocess.Popen(
                argv,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
            code = _ended(child, limit)
    except OSError as error:
        output.write_text(f"{argv[0]}: {error.strerror}\n", encoding="utf-8")
        return Ended(127, output, f"{argv[0]}: {error.strerror}")
    return Ended(code, output, _last_line(output))


def _ended(child: subprocess.Popen[bytes], limit: float) -> int | None:
    try:
        return child.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # However it ended: what a command leaves running would hold files that the next item looks at.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def command_item(ground: Ground, name: str, asked: Command) -> Outcome:
    """Passed when the command of a profile ends with exit code 0."""
    if asked.needs and not any(is_there(ground.root, need) for need in asked.needs):
        return skipped(f"there is none of {', '.join(asked.needs)}")
    argv = words(asked.command, ground.python)
    if not argv:
        return skipped("the profile names no command")
    output = ground.kept / f"{name}.txt"
    ended = run(argv, folder=ground.root, output=output, limit=asked.limit)
    kept = shown_in(ground, output)
    if ended.code == 0:
        return passed(f"`{asked.command}` ended with exit code 0", kept)
    return failed(f"`{asked.command}` {ended.how}", kept)


def is_there(root: Path, need: str) -> bool:
    """Whether a path of the tree, or the ``FILE:table.key`` of a TOML file, is there."""
    if ":" in need:
        return toml_value(root, need) is not None
    return (root / need).exists()


def shown_in(ground: Ground, path: Path) -> str:
    """``path`` as evidence names it."""
    return path.relative_to(ground.root).as_posix() if path.is_relative_to(ground.root) else str(path)


def _last_line(output: Path) -> str:
    with output.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _LAST))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
