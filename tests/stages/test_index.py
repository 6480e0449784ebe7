from __future__ import annotations

import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex_audit.artifacts import FileEntry
from codex_audit.stages.index import Listing, index_tree, read_bytes
from codex_audit.stages.places import ARTIFACTS, MANIFEST, MARKER, RECORD, artifact_path
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.schemas import validate
from tests.listing.repositories import git, lone_git, repository, write

__all__ = ["lone_git"]
pytestmark = pytest.mark.usefixtures("lone_git")

ANOTHER_USER = 65534
REPORT = "reports/capability_matrix_20260102T030405Z.md"


def index(root: Path, output: Path | None = None, *, exclude: tuple[str, ...] = (), jobs: int = 1) -> Listing:
    return index_tree(root, output, exclude=exclude, jobs=jobs)


def paths(listing: Listing) -> list[str]:
    return [entry.path for entry in listing.index.files]


def as_another_user(work: Callable[[], bytes]) -> bytes:
    """What ``work`` returns in a child process that is not root, so that permissions count."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(ANOTHER_USER)
                os.setuid(ANOTHER_USER)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(work())
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 (a child must never return into the test runner)
            os.write(2, repr(error).encode())
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return result


@pytest.fixture
def open_tree() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (Path(place) / "tree").mkdir(mode=0o755)
        yield Path(place) / "tree"


def hostile_tree(root: Path) -> None:
    write(
        root, {"ok.py": "import os\n", "x.py/inside.txt": "1", "bad.py": "def (:\n", "pyproject.toml": "[["}
    )
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to("/etc/passwd")
    (root / "up").symlink_to("../..")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.py")).write_bytes(b"# caf\xe9\n")
    os.mkfifo(root / "pipe")
    with (root / "huge.bin").open("wb") as file:
        file.truncate(1 << 26)


def test_a_hostile_tree_is_indexed_whole(tmp_path: Path) -> None:
    hostile_tree(tmp_path)
    found = {entry.path: (entry.kind, bool(entry.sha256)) for entry in index(tmp_path).index.files}
    assert found == {
        "ok.py": ("file", True),
        "x.py/inside.txt": ("file", True),
        "bad.py": ("file", True),
        "pyproject.toml": ("file", True),
        "broken": ("symlink", True),
        "loop": ("symlink", True),
        "out": ("symlink", True),
        "up": ("symlink", True),
        "caf%E9.py": ("file", True),
        "pipe": ("fifo", False),
        "huge.bin": ("file", True),
    }


@pytest.mark.parametrize("in_git", [True, False])
def test_the_artifact_follows_its_schema(tmp_path: Path, in_git: bool) -> None:
    root = tmp_path / "r"
    root.mkdir()
    hostile_tree(root)
    (root / "huge.bin").unlink()
    if in_git:
        repository(root)
        repository(root / "nested", {"a": "1"})
    artifact = index(root).index
    assert artifact.view == ("git" if in_git else "walk")
    validate(json.loads(artifact_bytes(artifact)), "context_index", source="context index")


def test_the_bytes_are_the_same_from_two_folders_and_with_any_number_of_jobs(tmp_path: Path) -> None:
    first = repository(tmp_path / "first", {f"pkg{n % 7}/m{n}.py": str(n) for n in range(300)})
    write(first, {"new.py": "1"})
    shutil.copytree(first, tmp_path / "a longer name" / "second", symlinks=True)
    one = artifact_bytes(index(first, jobs=1).index)
    assert one == artifact_bytes(index(first, jobs=2).index)
    assert one == artifact_bytes(index(tmp_path / "a longer name" / "second", jobs=3).index)
    assert b"first" not in one


def test_any_change_of_the_tree_changes_its_digest(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", "b.py": "2"})
    seen = [index(root).index.tree_sha256]
    for change in (
        lambda: (root / "a.py").write_text("2", encoding="utf-8"),
        lambda: (root / "a.py").chmod(0o755),
        lambda: (root / "a.py").rename(root / "c.py"),
        (root / "b.py").unlink,
        lambda: (root / "b.py").symlink_to("c.py"),
        lambda: os.mkfifo(root / "b2"),
    ):
        change()
        seen.append(index(root).index.tree_sha256)
    assert len(set(seen[:-1])) == len(seen) - 1
    assert seen[-1] == seen[-2]  # git does not show fifos


def test_a_deleted_tracked_file_is_left_out(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", "b.py": "2"})
    (root / "b.py").unlink()
    assert paths(index(root)) == ["a.py"]


def test_a_tracked_folder_replaced_by_a_symlink_is_not_entered(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"pkg/a.py": "1", "b.py": "2"})
    (root / "pkg").rename(tmp_path / "elsewhere")
    (root / "pkg").symlink_to(tmp_path / "elsewhere")
    assert [(entry.path, entry.kind) for entry in index(root).index.files] == [
        ("b.py", "file"),
        ("pkg", "symlink"),
    ]


def test_a_submodule_stands_for_its_commit(tmp_path: Path) -> None:
    part = repository(tmp_path / "part", {"inside.py": "1"})
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "part")
    commit = git(part, "rev-parse", "HEAD").decode().strip()
    (entry,) = [entry for entry in index(root).index.files if entry.path == "part"]
    assert (entry.kind, entry.mode, entry.note) == (
        "submodule",
        "160000",
        f"submodule at {commit}, not entered",
    )
    write(part, {"inside.py": "2"})
    git(part, "commit", "-q", "-a", "-m", "Change")
    git(root / "part", "-c", "protocol.file.allow=always", "pull", "-q")
    git(root, "add", "part")
    (later,) = [entry for entry in index(root).index.files if entry.path == "part"]
    assert later.sha256 != entry.sha256


@pytest.mark.parametrize("git_there", [True, False])
def test_an_empty_folder_and_an_empty_repository_are_fine(tmp_path: Path, git_there: bool) -> None:
    if git_there:
        repository(tmp_path)
    artifact = index(tmp_path).index
    assert (artifact.files, artifact.view) == ((), "git" if git_there else "walk")


def test_a_refusal_is_noted_and_the_walk_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", ".gitignore": "*.log\n"})
    write(root, {"x.log": "1"})
    assert paths(index(root)) == [".gitignore", "a.py"]
    monkeypatch.setenv("PATH", "/nonexistent")
    artifact = index(root).index
    assert artifact.view == "walk"
    assert artifact.notes[0] == "git's view was not taken: git is not installed."
    assert [entry.path for entry in artifact.files] == [".gitignore", "a.py", "x.log"]


def test_a_folder_that_another_repository_ignores_is_walked(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {".gitignore": "downloads/\n"})
    write(root, {"downloads/a.py": "1"})
    artifact = index(root / "downloads").index
    assert [entry.path for entry in artifact.files] == ["a.py"]
    assert artifact.notes[0] == "git's view was not taken: the enclosing git repository ignores this folder."


def test_a_folder_of_which_git_shows_nothing_is_walked(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    write(root, {".gitignore": "*\n", "train.py": "1"})
    artifact = index(root).index
    assert [entry.path for entry in artifact.files] == [".gitignore", "train.py"]
    assert "git lists nothing" in artifact.notes[0]


def test_a_fifo_for_an_ignore_file_does_not_stop_the_walk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    write(tmp_path, {"a.py": "1"})
    assert paths(index(tmp_path)) == [".gitignore", "a.py"]


@pytest.mark.parametrize("where", ["missing", "file", "loop", "bare.git"])
def test_a_path_that_cannot_be_audited_is_a_usage_error(tmp_path: Path, where: str) -> None:
    write(tmp_path, {"file": ""})
    (tmp_path / "loop").symlink_to("loop")
    repository(tmp_path / "r", {"a.py": "1"})
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "r"), "bare.git")
    with pytest.raises(UsageError, match=where) as raised:
        index(tmp_path / where)
    assert raised.value.exit_code == 2
    assert where != "bare.git" or "check out a work tree" in str(raised.value)


def test_unreadable_files_and_folders_are_recorded_as_such(open_tree: Path) -> None:
    write(open_tree, {"a.py": "1", "secret.py": "2", "locked/b.py": "3", "closed/c.py": "4"})
    (open_tree / "secret.py").chmod(0)
    (open_tree / "locked").chmod(0)
    (open_tree / "closed").chmod(0o444)  # may be listed, not entered
    try:
        data = as_another_user(lambda: pickle.dumps(index(open_tree).index.files))
    finally:
        (open_tree / "locked").chmod(0o755)
        (open_tree / "closed").chmod(0o755)
    entries: tuple[FileEntry, ...] = pickle.loads(data)  # noqa: S301 (from our own child)
    denied = "unreadable: permission denied"
    assert [(entry.path, entry.kind, entry.note) for entry in entries] == [
        ("a.py", "file", ""),
        ("closed", "directory", denied),
        ("locked", "directory", denied),
        ("secret.py", "file", denied),
    ]
    assert [bool(entry.sha256) for entry in entries] == [True, False, False, False]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another owner")
def test_a_repository_of_another_owner_is_walked(open_tree: Path) -> None:
    repository(open_tree, {"a.py": "1"})
    data = as_another_user(lambda: pickle.dumps(index(open_tree).index))
    artifact = pickle.loads(data)  # noqa: S301 (from our own child)
    assert artifact.view == "walk"
    assert "another owner" in artifact.notes[0]
    assert [entry.path for entry in artifact.files] == ["a.py"]


def audited(base: Path, *reports: str) -> None:
    """What a run leaves under its output folder."""
    write(base, {artifact_path(name): "{}" for name in ARTIFACTS})
    write(base, dict.fromkeys(reports, ""))
    record = {"reports": {f"report:{number}": report for number, report in enumerate(reports)}}
    write(base, {MANIFEST: "{}", RECORD: json.dumps(record)})


@pytest.mark.parametrize("in_git", [True, False])
@pytest.mark.parametrize("output", [".", "out/audit"])
def test_what_a_run_wrote_in_the_tree_does_not_change_the_next_index(
    tmp_path: Path, in_git: bool, output: str
) -> None:
    root = tmp_path / "r"
    write(root, {"a.py": "1", "reports/mine.md": "2"})
    if in_git:
        repository(root)
    before = artifact_bytes(index(root, root / output).index)
    audited(root / output, REPORT, "reports/capability_matrix_20260102T030405Z.json")
    write(root / output, {"audit_artifacts/.codex-write-0123456789abcdef": "half"})
    assert artifact_bytes(index(root, root / output).index) == before
    if in_git:
        git(root, "add", "--all")
        assert artifact_bytes(index(root, root / output).index) == before


def test_an_interrupted_run_is_left_out_by_its_marker(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1", artifact_path("facets"): "{}", REPORT: ""})
    write(tmp_path, {MARKER: json.dumps({"writes": [artifact_path("facets"), REPORT]})})
    assert paths(index(tmp_path)) == ["a.py"]


def test_an_empty_repository_stays_gits_view_after_a_run_that_git_ignores(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "exclude").write_text("audit_artifacts/\nreports/\n", encoding="utf-8")
    before = artifact_bytes(index(root, root).index)
    audited(root, REPORT)
    assert artifact_bytes(index(root, root).index) == before


def test_a_forged_audit_hides_no_source(tmp_path: Path) -> None:
    hidden = [
        "train.py",
        "reports/mine.md",
        "reports/capability_matrix_20260102T030405Z.py",
        "reports/capability_matrix_20260102T030405Z.md/../../train.py",
        "audit_artifacts/train.py",
        "audit_artifacts/.codex-write-0123456789abcdef.py",
    ]
    audited(tmp_path, REPORT)
    write(tmp_path, {path: "import torch\n" for path in hidden if ".." not in path})
    write(tmp_path, {RECORD: json.dumps({"reports": dict(enumerate([*hidden, REPORT]))})})
    write(tmp_path, {MARKER: json.dumps({"writes": hidden})})
    assert paths(index(tmp_path)) == sorted(path for path in hidden if ".." not in path)


def test_an_output_outside_the_tree_leaves_out_nothing_more(tmp_path: Path) -> None:
    root = tmp_path / "r"
    write(root, {"a.py": "1", f"audits/{REPORT}": "", f"audits/{MANIFEST}": "{}"})
    assert len(paths(index(root, tmp_path / "elsewhere"))) == 3
    assert len(paths(index(root, tmp_path))) == 3


def test_excluded_globs_are_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1", "third_party/b.py": "2", "x.min.js": "3"})
    listing = index(tmp_path, exclude=("third_party/**", "*.min.js", "third_party/**"))
    assert paths(listing) == ["a.py"]
    assert listing.index.excluded == ("*.min.js", "third_party/**")


def test_nothing_is_written_in_the_tree(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", "pkg/b.py": "2"})
    os.utime(root / "a.py", (1, 1))

    def state() -> list[tuple[str, int, int]]:
        status = [(str(path), path.lstat()) for path in sorted([root, *root.rglob("*")])]
        return [(path, found.st_mtime_ns, found.st_size) for path, found in status]

    before = state()
    index(root, root / "out")
    assert state() == before


def test_a_symlink_to_the_tree_gives_the_tree(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    (tmp_path / "link").symlink_to(root)
    assert index(tmp_path / "link") == index(root)


def test_names_and_object_ids_stand_in_the_order_of_the_entries(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"b.py": "1"})
    write(root, {"a.py": "2"})
    listing = index(root)
    assert listing.raw_paths == (b"a.py", b"b.py")
    assert listing.object_ids == ("", git(root, "rev-parse", ":b.py").decode().strip())


def entry_of(listing: Listing, path: str) -> FileEntry:
    return next(entry for entry in listing.index.files if entry.path == path)


def test_bytes_are_read_back_by_their_entry(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_bytes(b"\xe9")
    listing = index(tmp_path)
    assert read_bytes(listing, entry_of(listing, "caf%E9")) == b"\xe9"


def test_reading_refuses_more_than_the_limit(tmp_path: Path) -> None:
    write(tmp_path, {"a": "12345"})
    listing = index(tmp_path)
    assert read_bytes(listing, entry_of(listing, "a"), max_bytes=5) == b"12345"
    with pytest.raises(UnreadableError, match="larger than 4 bytes"):
        read_bytes(listing, entry_of(listing, "a"), max_bytes=4)


def swap_for_symlink(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def swap_for_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def swap_parent_for_symlink(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to("moved")


@pytest.mark.parametrize("swap", [Path.unlink, swap_for_symlink, swap_for_fifo, swap_parent_for_symlink])
def test_reading_refuses_what_was_swapped_in_since(tmp_path: Path, swap: Callable[[Path], None]) -> None:
    write(tmp_path, {"pkg/a": "1"})
    listing = index(tmp_path)
    swap(tmp_path / "pkg" / "a")
    with pytest.raises(UnreadableError, match="pkg/a"):
        read_bytes(listing, entry_of(listing, "pkg/a"))
