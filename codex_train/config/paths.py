"""Where the files are that a configuration names.

A path in a configuration counts from the folder of the configuration file, the *base*. One on the command line counts
from the current folder, as a shell's completion gives it; it is rewritten to count from the base before it is recorded.
A run records the paths as written (they are in the digest) and the base beside them (it is not).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.names import shown


def base_of(config: Path) -> Path:
    """The folder that paths in the configuration file ``config`` count from, absolute and without symlinks."""
    return Path(os.path.realpath(config.parent))


def resolve(path: str, base: Path) -> Path:
    """``path`` of a configuration as an absolute one; a leading ``~`` is the user's home."""
    return base / Path(path).expanduser()


def from_here(path: str, base: Path) -> str:
    """``path``, given in the current folder, as a configuration in ``base`` would write it."""
    if not path or path.startswith(("/", "~", "${")):
        return path
    here = Path.cwd()
    if here == base:
        return path
    shared = os.path.commonpath((here, base))
    prefix = os.path.relpath(here, base) if shared != os.sep else str(here)
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return f"{prefix}/{path}" if path else prefix


def expand(paths: Iterable[str], base: Path, *, configured: bool = True) -> tuple[Path, ...]:
    """The files (and folders, for data sets on disk) that ``paths``, globs among them, stand for: absolute, each once,
    in bytewise order.

    ``**`` crosses folders; a glob gives regular files alone and passes over hidden ones. Raises UsageError for a glob
    without a match and UnreadableError for a path that does not exist; only if the paths are ``configured`` do these
    speak of a configuration.
    """
    found = {one for path in paths for one in _matches(path, base, configured)}
    return tuple(sorted(found, key=os.fsencode))


def _matches(path: str, base: Path, configured: bool) -> Iterator[Path]:
    literal = resolve(path, base)
    if os.path.lexists(literal):
        yield literal
        return
    where = "data.files: " if configured else ""
    counted = (
        f" (paths in a configuration count from {shown(base)})"
        if configured and not Path(path).expanduser().is_absolute()
        else ""
    )
    if not glob.has_magic(path):
        raise UnreadableError(f"{where}{shown(literal)} does not exist{counted}")
    pattern = str(Path(path).expanduser())
    # Not Path.glob: that one also finds hidden files.
    files = [base / one for one in glob.iglob(pattern, root_dir=base, recursive=True)]  # noqa: PTH207
    files = [file for file in files if file.is_file()]
    if not files:
        raise UsageError(f"{where}no file matches {shown(path)}{counted}")
    yield from files
