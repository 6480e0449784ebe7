"""What is recorded of the user's code, and what never is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.credentials import holds_secret
from codex_train.recorder.code import LONGEST_UNTRACKED, Code, record_code
from codex_train.recorder.environment import record_environment
from codex_train.recorder.source_patch import MARK, filtered

HEX = "9f3a" * 8
VALUE = "q7Rk2LpVx9" * 4
# In parts, so that no scanner takes this file for a leak.
SECRETS = {
    "Hugging Face": "hf" + "_" + VALUE[:34],
    "GitHub": "ghp" + "_" + VALUE[:36],
    "GitHub, fine-grained": "github_" + "pat_" + VALUE,
    "OpenAI": "sk" + "-proj-" + VALUE,
    "AWS": "AKI" + "A" + "Q7RK2LPVX9Q7RK2L",
    "Slack": "xox" + "b-1234567890-" + VALUE[:20],
    "Google": "AIz" + "a" + VALUE[:35],
    "JSON web token": "ey" + "J" + VALUE[:20] + "." + VALUE[:20] + "." + VALUE[:20],
    "assignment": f"api_key = '{VALUE[:20]}'",
    "assignment in YAML": f"password: {VALUE[:16]}",
    "assignment with an annotation": f'    DB_PASSWORD: str = "{VALUE[:12]}"',
    "item": f'os.environ["MY_TOKEN"] = "{HEX}"',
    "URL": "postgres://me:" + VALUE[:9] + "@db.example.org/runs",
    "inside of a key": (VALUE * 2)[:64],
}
HARMLESS = (
    "tokens = tokenizer.encode(text)",
    'eos_token = "<|endoftext|>"',
    "tokenizer_path = 'tokenizers/shakespeare'",
    "max_tokens = 1048576",
    "for token in tokens: print(token)",
    "secret = os.environ['SECRET']",
    "url = 'https://example.org/a:b/c@d'",
    f"sha256 = {HEX}{HEX}",
    HEX * 2,
    "loss = cross_entropy(logits, targets, ignore_index=-100)",
)


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text("ignored\n")
    (root / "a.py").write_text("a = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def code(folder: Path) -> Code:
    found = record_code(folder)
    assert isinstance(found, Code), found
    return found


def test_an_edit_within_a_second_of_the_commit_is_seen(repository: Path) -> None:
    git(
        repository, "config", "core.trustCtime", "false"
    )  # which would tell it after a second, and cannot be set
    script, index = repository / "a.py", repository / ".git" / "index"
    times = (1_700_000_000 * 10**9,) * 2
    script.write_text("a = 2\n")
    os.utime(script, ns=times)
    git(repository, "commit", "-aqm", "second")
    os.utime(index, ns=times)
    script.write_text("a = 3\n")
    os.utime(script, ns=times)
    assert b"\n-a = 2\n+a = 3\n" in code(repository).patch


def test_a_clean_tree_is_that_of_the_commit(repository: Path) -> None:
    found = code(repository)
    assert (found.commit, found.tree) == (
        git(repository, "rev-parse", "HEAD"),
        git(repository, "rev-parse", "HEAD^{tree}"),
    )
    assert (found.dirty, found.patch) == (False, b"")


def test_a_dirty_tree_can_be_made_again_from_commit_and_patch(repository: Path, tmp_path: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new.py").write_bytes(b"b = '\xc3\xa9'\n" * 9)
    (repository / "ignored").write_text("not code")
    found = code(repository)
    assert found.dirty
    assert found.left_out == ()
    git(tmp_path, "clone", "-q", str(repository), "clone")
    (tmp_path / "patch").write_bytes(found.patch)
    git(tmp_path / "clone", "apply", "--cached", str(tmp_path / "patch"))
    assert git(tmp_path / "clone", "write-tree") == found.tree


def test_recording_changes_nothing_in_the_repository(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new.py").write_text("b = 1\n")
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    code(repository)
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before
    assert git(repository, "status", "--porcelain") == "M a.py\n?? new.py"


def test_nothing_of_the_tree_runs(repository: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    for key in (
        "filter.evil.clean",
        "filter.evil.process",
        "core.fsmonitor",
        "diff.evil.command",
        "diff.evil.textconv",
    ):
        git(repository, "config", key, f"touch {proof}; cat")
    git(repository, "config", "filter.evil.required", "true")
    hook = repository / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    (repository / "a.py").write_text("a = 2\n")
    assert code(repository).dirty
    assert not proof.exists()


def test_run_folders_and_long_files_are_no_code(repository: Path) -> None:
    clean = code(repository).tree
    for name in ("runs/a/run.json", "runs/a/segments/0000/manifest.json", "runs/a/loss.svg"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("{}")
    for name in ("corpus.bin", "generated.py"):
        with (repository / name).open("wb") as file:
            file.truncate(LONGEST_UNTRACKED + 1)
    found = code(repository)
    assert (found.tree, [one.path for one in found.left_out]) == (clean, ["generated.py"])


def test_a_repository_without_a_commit_has_a_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("a = 1\n")
    found = code(tmp_path)
    assert (found.commit, found.dirty, len(found.tree)) == ("", True, 40)
    assert [path for path, _ in found.changes] == ["a.py"]


def test_a_folder_in_no_repository_is_a_note(tmp_path: Path) -> None:
    assert "not a git repository" in str(record_code(tmp_path))
    found = record_environment(code=tmp_path / "missing")
    assert found.code_tree == ""
    assert "code not recorded" in found.document["detail"]["notes"][0]


def test_untracked_files_that_are_no_source_are_not_there(repository: Path) -> None:
    clean = code(repository)
    for name in ("train.log", ".env", "model.bin", "notes.txt", "key.pem", ".netrc"):
        (repository / name).write_text(f"HF_TOKEN={SECRETS['Hugging Face']}\n")
    assert code(repository) == clean
    (repository / "new.py").write_text("b = 1\n")
    found = code(repository)
    assert found.tree != clean.tree
    assert [path for path, _ in found.changes] == ["new.py"]
    assert b"+b = 1\n" in found.patch


@pytest.mark.parametrize(
    "name", [".env", "conf/credentials.py", "deploy.key", "secrets/all.yaml", ".npmrc", "é.env"]
)
def test_a_file_whose_name_says_that_it_holds_credentials_is_a_hash_alone(
    repository: Path, name: str
) -> None:
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text("hunter2\n")
    (repository / "a.py").write_text("a = 2\n")
    git(repository, "add", "-f", name)
    found = code(repository)
    assert [path for path, _ in found.changes] == sorted(["a.py", name])
    assert [one.path for one in found.left_out] == [name]
    assert b"hunter2" not in found.patch
    assert b"+a = 2\n" in found.patch


@pytest.mark.parametrize("kind", SECRETS)
def test_a_line_that_looks_like_a_credential_is_replaced_by_a_mark(repository: Path, kind: str) -> None:
    secret = SECRETS[kind]
    (repository / "a.py").write_text(f"before = 1\n{secret}\nafter = 1\n")
    found = code(repository)
    assert secret.encode() not in found.patch
    assert b"+before = 1\n+" + MARK + b"\n+after = 1\n" in found.patch
    assert [one.path for one in found.left_out] == ["a.py"]


@pytest.mark.parametrize("line", HARMLESS)
def test_what_training_code_says_is_no_credential(line: str) -> None:
    assert not holds_secret(line.encode())


def test_a_secret_that_was_committed_is_not_repeated_as_context(repository: Path) -> None:
    secret = SECRETS["GitHub"]
    (repository / "a.py").write_text(f"def f(token='{secret}'):\n" + "    x = 1\n" * 9)
    git(repository, "commit", "-aqm", "oops")
    (repository / "a.py").write_text(f"def f(token='{secret}'):\n" + "    x = 1\n" * 8 + "    y = 1\n")
    found = code(repository)
    assert b"@@\n" in found.patch, "git names the function of a part, which is left out"
    assert secret.encode() not in found.patch
    (repository / "a.py").write_text("y = 1\n")
    assert secret.encode() not in code(repository).patch


def test_private_keys_and_binary_content_are_left_out_whole(repository: Path) -> None:
    key = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nshort\n-----END"
    (repository / "b.py").write_text(f"KEY = '''{key}'''\n")
    (repository / "c.py").write_bytes(b"\0" + SECRETS["GitHub"].encode())
    found = code(repository)
    assert {one.path: one.reason for one in found.left_out} == {
        "b.py": "it holds a private key",
        "c.py": "binary",
    }
    assert found.patch == b""


def test_the_record_says_what_its_patch_lacks(repository: Path) -> None:
    (repository / "a.py").write_text(SECRETS["assignment"] + "\n")
    found = record_environment(code=repository)
    assert found.document["detail"]["code"]["left_out"] == [
        {"path": "a.py", "reason": "lines that look like a credential are replaced by a mark"}
    ]
    assert VALUE[:20].encode() not in b"".join(found.files.values())


@given(
    st.lists(
        st.sampled_from([*SECRETS.values(), *HARMLESS, "diff --git a/x b/x", "@@ -1 +1 @@", "-- a", "++ b"])
    )
)
def test_no_secret_comes_through_whatever_stands_around_it(lines: list[str]) -> None:
    body = "".join(f"+{line}\n" for line in lines)
    patch = f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n{body}".encode()
    kept, left_out = filtered(patch)
    assert not any(secret.encode() in kept for secret in SECRETS.values())
    assert len(kept.splitlines()) == len(patch.splitlines())
    assert bool(left_out) == any(line in SECRETS.values() for line in lines)
    assert all(f"+{line}\n".encode() in kept for line in lines if line in HARMLESS)
