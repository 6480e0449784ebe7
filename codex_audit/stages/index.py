"""S1: list the tree and say of each file what it is and what its bytes are."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from codex_audit.artifacts import ContextIndex, FileEntry
from codex_audit.facts.hidden import Hidden
from codex_audit.listing.beneath import folder, opened, read_at_most, readable_folder, split
from codex_audit.listing.entry import Described, Held, Listed, Stamp, describe
from codex_audit.listing.exclude import excluder
from codex_audit.listing.git import GitView, Refusal, git_view, is_bare_repository
from codex_audit.listing.own import Layout, own_paths
from codex_audit.listing.walk import walk_view
from codex_audit.scanners.places import SCAN_FILES, SECURITY_FOLDER, SUMMARY, WITHHELD
from codex_audit.stages.places import (
    ARTIFACTS,
    ARTIFACTS_FOLDER,
    BASELINE,
    MANIFEST,
    MARKER,
    RECORD,
    REPORT_SHAPE,
    REPORTS_FOLDER,
    artifact_path,
)
from codex_evidence.atomic import TEMPORARY_PREFIX
from codex_evidence.digests import tree_sha256
from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.names import decode_name, shown

SCHEMA = "codex-audit/context_index/v1"
MAX_BYTES = 64 * 2**20

_NOTHING_LISTED = "git lists nothing of this folder, which is not empty"
_WALKED = "The walk leaves out .git, caches and virtual environments by their names."

# Only suffixes of reports: a forged record must not hide `reports/capability_matrix_<time>.py`.
_LAYOUT = Layout(
    traces=(MANIFEST, RECORD, MARKER, BASELINE, SUMMARY, WITHHELD),
    fixed=frozenset({MANIFEST, RECORD, MARKER, BASELINE, *map(artifact_path, ARTIFACTS), *SCAN_FILES}),
    lists={RECORD: "reports", MARKER: "writes"},
    named=REPORT_SHAPE,
    leftover=re.compile(
        rf"({ARTIFACTS_FOLDER}|{REPORTS_FOLDER}|{SECURITY_FOLDER})/{re.escape(TEMPORARY_PREFIX)}[0-9a-f]{{16}}"
    ),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The artifact of the stage, and what later stages need to find the files again; none of that is written.

    ``root`` is the real path of the tree. ``raw_paths`` and ``object_ids`` stand in the order of
    ``index.files``: the name as bytes, and git's object id of the path in its index (empty where there is
    none). The object id is what was last staged, before any conversion, and says nothing of the bytes on
    disk: ``FileEntry.sha256`` does. So do the ``stamps``, None for what was not hashed. ``hidden`` is what a scan
    found in a file that no reader may see, ``unquoted`` the numbers of the lines that nobody may quote.
    """

    root: Path
    index: ContextIndex
    raw_paths: tuple[bytes, ...]
    object_ids: tuple[str, ...]
    stamps: tuple[Stamp | None, ...] = ()
    hidden: Mapping[str, tuple[Hidden, ...]] = field(default_factory=dict)
    unquoted: Mapping[str, frozenset[int]] = field(default_factory=dict)


def index_tree(
    root: Path,
    output: Path | None,
    *,
    exclude: tuple[str, ...],
    jobs: int,
    known: Mapping[bytes, Held] = MappingProxyType({}),
) -> Listing:
    """Index the folder ``root`` by git's view of it or, where there is none, by a walk.

    Nothing of the tree is run or followed, and nothing is written there. Left out are the paths that the
    globs ``exclude`` match, and what earlier runs wrote at the root of the tree and in ``output``. The result
    is the same with any number of ``jobs``. A file that has the stamp that ``known`` gives its path is not read anew.
    Raises UsageError when ``root`` is no readable folder or is a
    bare repository, and for a glob that is none.
    """
    place = _tree_root(root)
    left_out = excluder(exclude)
    bases = _bases(place, output)

    def present(names: tuple[Listed, ...]) -> tuple[Described, ...]:
        return describe(place, _kept(place, names, left_out, bases), jobs=jobs, known=known)

    view = git_view(place)
    if isinstance(view, GitView):
        found = present(view.names)
        walked = () if found else present(walk_view(place))
        if not walked:
            return _listing(place, "git", view.notes, exclude, found)
        view, found = Refusal(_NOTHING_LISTED), walked
    else:
        found = present(walk_view(place))
    return _listing(place, "walk", (f"git's view was not taken: {view.reason}.", _WALKED), exclude, found)


def read_bytes(listing: Listing, entry: FileEntry, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes that the file ``entry`` has now. Whether ``entry.sha256`` is still theirs, the caller asks.

    Follows no symlink, at any depth, and never waits. Raises UnreadableError for whatever is no readable
    regular file of at most ``max_bytes``.
    """
    parent, name = split(decode_name(entry.path, entry.path_encoding))
    try:
        with folder(listing.root, parent) as within, opened(name, within) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableError(f"cannot read {shown(entry.path)}: no longer a regular file")
            data = read_at_most(descriptor, max_bytes + 1)
    except UnreadableError:
        raise
    except OSError as error:
        raise UnreadableError(f"cannot read {shown(entry.path)}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise UnreadableError(f"cannot read {shown(entry.path)}: larger than {max_bytes} bytes")
    return data


def _tree_root(root: Path) -> Path:
    """The real path of ``root``, once it is known to be a folder that can be audited."""
    place = Path(os.path.realpath(root))
    try:
        with readable_folder(place, b""):
            pass
    except FileNotFoundError as error:
        raise UsageError(f"{shown(root)} does not exist; give the folder to audit") from error
    except NotADirectoryError as error:
        raise UsageError(f"{shown(root)} is not a folder; give the folder to audit") from error
    except OSError as error:
        raise UsageError(f"{shown(root)} cannot be read: {error.strerror}") from error
    if is_bare_repository(place):
        raise UsageError(
            f"{shown(root)} is a bare git repository and has no files to audit; "
            "check out a work tree (git worktree add) and audit that"
        )
    return place


def _bases(place: Path, output: Path | None) -> frozenset[bytes]:
    """Where runs may have written, relative to the tree: at its root, and in an output folder inside."""
    bases = {b""}
    if output is not None:
        real = Path(os.path.realpath(output))
        if real != place and real.is_relative_to(place):
            bases.add(os.fsencode(real.relative_to(place)))
    return frozenset(bases)


def _kept(
    place: Path, names: tuple[Listed, ...], left_out: Callable[[bytes], bool], bases: frozenset[bytes]
) -> list[Listed]:
    paths = [listed.path for listed in names]
    own = frozenset().union(*(own_paths(place, base, _LAYOUT, paths) for base in bases))
    return [listed for listed in names if listed.path not in own and not left_out(listed.path)]


def _listing(
    place: Path,
    view: Literal["git", "walk"],
    notes: tuple[str, ...],
    exclude: tuple[str, ...],
    found: tuple[Described, ...],
) -> Listing:
    files = tuple(described.entry for described in found)
    digest = tree_sha256((entry.path, entry.mode, entry.sha256) for entry in files)
    return Listing(
        root=place,
        index=ContextIndex(SCHEMA, view, notes, tuple(sorted(set(exclude))), files, digest),
        raw_paths=tuple(described.listed.path for described in found),
        object_ids=tuple(described.listed.object_id for described in found),
        stamps=tuple(described.stamp for described in found),
    )
