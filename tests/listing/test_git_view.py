from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.listing.beneath import is_beneath
from codex_audit.listing.git import GitView, Refusal, git_view, head_commit, is_bare_repository
from tests.listing.repositories import git, repository, write

FOREIGN = 65534


def listed(root: Path) -> dict[bytes, str]:
    view = git_view(root)
    assert isinstance(view, GitView), view
    return {name.path: name.kind for name in view.names}


def reason(root: Path, *, timeout: float = 60) -> str:
    view = git_view(root, timeout=timeout)
    assert isinstance(view, Refusal), view
    return view.reason


def test_tracked_and_untracked_files_are_listed_and_ignored_ones_are_not(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", "pkg/b.py": "2", ".gitignore": "*.log\nbuild/\n"})
    write(root, {"new.py": "3", "x.log": "4", "build/out.py": "5"})
    assert listed(root) == dict.fromkeys([b"a.py", b"pkg/b.py", b".gitignore", b"new.py"], "file")


def test_object_ids_are_those_of_the_index(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    write(root, {"b.py": "2"})
    view = git_view(root)
    assert isinstance(view, GitView)
    staged = git(root, "rev-parse", ":a.py").decode().strip()
    assert {name.path: name.object_id for name in view.names} == {b"a.py": staged, b"b.py": ""}


def test_a_subfolder_is_listed_relative_to_itself(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"pkg/sub/a.py": "1", "other.py": "2", ".gitignore": "*.log\n"})
    write(root, {"pkg/new.py": "3", "pkg/x.log": "4"})
    assert listed(root / "pkg") == {b"sub/a.py": "file", b"new.py": "file"}


def test_an_untracked_folder_of_an_enclosing_repository_is_listed(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    write(root, {"draft/b.py": "2"})
    assert listed(root / "draft") == {b"b.py": "file"}


def test_a_linked_worktree_is_listed(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    write(tmp_path / "linked", {"b.py": "2"})
    assert listed(tmp_path / "linked") == {b"a.py": "file", b"b.py": "file"}


def test_submodules_and_nested_repositories_are_named_and_not_entered(tmp_path: Path) -> None:
    part = repository(tmp_path / "part", {"inside.py": "1"})
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "deps/part")
    repository(root / "nested", {"n.py": "2"})
    assert listed(root) == {
        b"a.py": "file",
        b".gitmodules": "file",
        b"deps/part": "submodule",
        b"nested": "directory",
    }
    assert listed(root / "deps" / "part") == {b"inside.py": "file"}


def test_a_path_in_a_merge_conflict_is_listed_once(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "base\n"})
    git(root, "checkout", "-q", "-b", "side")
    write(root, {"a.py": "side\n"})
    git(root, "commit", "-q", "-a", "-m", "Side")
    git(root, "checkout", "-q", "main")
    write(root, {"a.py": "main\n"})
    git(root, "commit", "-q", "-a", "-m", "Main")
    git(root, "merge", "side", check=False)
    assert git(root, "ls-files", "--unmerged").count(b"\n") == 3
    view = git_view(root)
    assert isinstance(view, GitView)
    assert [(name.path, name.object_id) for name in view.names] == [(b"a.py", "")]


def test_untracked_caches_are_left_out_and_tracked_ones_kept(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"__pycache__/kept.py": "1", "venv/mine.py": "2"})
    write(
        root,
        {
            "pkg/__pycache__/a.pyc": "x",
            "node_modules/m/i.js": "x",
            ".venv/pyvenv.cfg": "",
            ".venv/lib/x.py": "",
            "pkg/venv/plain.py": "",
        },
    )
    assert set(listed(root)) == {b"__pycache__/kept.py", b"venv/mine.py", b"pkg/venv/plain.py"}


def test_names_in_any_bytes_are_listed_as_they_are(tmp_path: Path) -> None:
    root = repository(tmp_path / "r")
    names = [b"caf\xe9.py", b"new\nline.py", b'quo"te.py', b"tab\t.py", "ünï.py".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"1")
    git(root, "add", "--", "tab\t.py")
    assert set(listed(root)) == set(names)


def test_the_users_own_ignore_file_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ignore").write_text("*.py\n", encoding="utf-8")
    (tmp_path / "config").write_text(f"[core]\nexcludesFile = {tmp_path}/ignore\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    root = repository(tmp_path / "r")
    write(root, {"a.py": "1"})
    assert listed(root) == {b"a.py": "file"}


def test_a_callers_git_variables_do_not_redirect_the_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other", {"other.py": "1"})
    root = repository(tmp_path / "r", {"a.py": "1"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert listed(root) == {b"a.py": "file"}


def test_a_plain_folder_is_refused_in_the_same_words_with_and_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.py": "1"})
    first = reason(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert first == reason(tmp_path) == "the folder is in no git repository"


def test_without_git_the_view_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert reason(root) == "git is not installed"


@pytest.mark.parametrize("entry", [".", "", "bin", "{root}/bin", "{root}/../r/bin"])
def test_a_git_that_lies_in_the_tree_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    for place in (root, root / "bin"):
        place.mkdir(exist_ok=True)
        (place / "git").write_text(f"#!/bin/sh\n/usr/bin/touch {tmp_path}/canary\n", encoding="utf-8")
        (place / "git").chmod(0o755)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", entry.format(root=root))
    assert reason(root) == "git is not installed"
    assert not (tmp_path / "canary").exists()


def test_an_ignored_folder_of_another_repository_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {".gitignore": "downloads/\n"})
    write(root, {"downloads/foreign/a.py": "1"})
    assert reason(root / "downloads" / "foreign") == "the enclosing git repository ignores this folder"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another owner")
def test_a_repository_of_another_owner_is_refused_until_the_user_calls_it_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    for path in [root, *root.rglob("*")]:
        os.chown(path, FOREIGN, FOREIGN, follow_symlinks=False)
    assert reason(root).startswith("git refuses a repository of another owner")
    (tmp_path / "config").write_text(f"[safe]\ndirectory = {root}\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert listed(root) == {b"a.py": "file"}


@pytest.mark.parametrize("index", [b"", b"DIRC", b"\0" * 4096])
def test_a_damaged_index_is_refused(tmp_path: Path, index: bytes) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    (root / ".git" / "index").write_bytes(index)
    assert reason(root) == "git cannot read the repository (git fsck may say why)"


@given(data=st.data())
@settings(max_examples=25)
def test_no_damage_to_the_index_escapes_as_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = repository(tmp_path_factory.mktemp("r"), {"a.py": "1", "pkg/b.py": "2"}, commit=False)
    index = bytearray((root / ".git" / "index").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(index) - 1), min_size=1, max_size=8)):
        index[place] = data.draw(st.integers(0, 255))
    (root / ".git" / "index").write_bytes(index)
    view = git_view(root)
    assert isinstance(view, Refusal) or all(is_beneath(name.path) for name in view.names)


@pytest.mark.parametrize("content", ["", "nonsense", "gitdir: /nonexistent"])
def test_a_git_file_that_names_no_repository_is_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path, {".git": content, "a.py": "1"})
    assert reason(tmp_path) in {
        "the folder holds a .git that is no git repository",
        "git cannot read the repository (git fsck may say why)",
    }


def test_a_work_tree_in_another_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "secrets", {"key.txt": "1"})
    for elsewhere in (tmp_path / "secrets", tmp_path, Path("/")):
        root = repository(tmp_path / "r", {"a.py": "1"})
        git(root, "config", "core.worktree", str(elsewhere))
        assert reason(root) in {
            "the git repository has no work tree here",
            "the git repository has its work tree in another folder",
        }


def test_a_repository_that_calls_itself_bare_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "config", "core.bare", "true")
    assert reason(root) == "the git repository has no work tree here"


def test_settings_of_a_future_git_are_refused(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "config", "core.repositoryFormatVersion", "99")
    assert reason(root) == "git cannot read the repository (git fsck may say why)"


def test_an_index_with_paths_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"aa/passwd": "1"}, commit=False)
    index = root / ".git" / "index"
    git(root, "config", "index.skipHash", "true")
    data = index.read_bytes()[:-20].replace(b"aa/passwd", b"../passwd")
    index.write_bytes(data + b"\0" * 20)
    assert reason(root) == "git's index holds a path that no work tree can have"


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", ".git/config", ".git/index"])
def test_a_fifo_where_git_reads_does_not_hold_the_view_for_ever(tmp_path: Path, name: str) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    write(root, {"b.py": "2"})
    (root / name).unlink(missing_ok=True)
    os.mkfifo(root / name)
    view = git_view(root, timeout=0.5)
    assert view == Refusal("git did not answer in time") or isinstance(view, GitView)


def test_bare_repositories_are_recognised(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "clone", "-q", "--bare", str(root), str(tmp_path / "bare.git"))
    assert is_bare_repository(tmp_path / "bare.git")
    assert is_bare_repository(root / ".git")
    assert not is_bare_repository(root)


def test_a_tree_that_only_resembles_a_bare_repository_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"objects/a.py": "1", "refs/b.md": "2", "HEAD": "# The head of this project\n"})
    assert not is_bare_repository(tmp_path)


def test_the_view_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    os.utime(root / "a.py", (1, 1))  # a stale entry: a git that may would refresh its index
    before = subprocess.run(["find", str(root), "-printf", "%p %T@ %s\n"], capture_output=True, check=True)
    assert listed(root) == {b"a.py": "file"}
    after = subprocess.run(["find", str(root), "-printf", "%p %T@ %s\n"], capture_output=True, check=True)
    assert before.stdout == after.stdout


def test_the_commit_is_that_of_the_work_tree_and_empty_before_the_first(tmp_path: Path) -> None:
    empty = repository(tmp_path / "empty")
    assert head_commit(empty) == ""
    made = repository(tmp_path / "made", {"a.py": "x = 1\n"})
    assert head_commit(made) == git(made, "rev-parse", "HEAD").decode().strip()
    (tmp_path / "plain").mkdir()
    assert head_commit(tmp_path / "plain") == ""
