from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest

from codex_audit.gates.kinds import forbidden
from tests.gates.places import hook, repository

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
KEY = f"-----BEGIN {'PRIVATE KEY'}-----\n{BODY}\n-----END {'PRIVATE KEY'}-----\n"


def torch_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        # Of a fixed day: the bytes are part of the name of a test, which each worker has to make alike.
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), b"x")
    return data.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("model.pt", b"", "checkpoint"),
        ("model.safetensors", b"text", "checkpoint"),
        ("last.ckpt", b"", "checkpoint"),
        ("pytorch_model-00001-of-00002.bin", b"", "checkpoint"),
        ("weights", torch_zip(), "checkpoint of torch"),
        ("weights.dat", safetensors(), "safetensors"),
        ("weights.dat", b"GGUF\3\0\0\0", "GGUF"),
        ("weights.dat", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("state", pickle.dumps({"a": 1}), "pickle"),
        ("state", pickle.dumps([1], protocol=2), "pickle"),
        ("train.log", b"", "log"),
        ("train.log.3", b"", "log"),
        ("events.out.tfevents.1.host", b"", "log"),
        (".env", b"", "environment"),
        (".env.production", b"", "environment"),
        ("notes.txt", KEY.encode(), "private key"),
        ("both.pem", b"cert\n" + KEY.encode(), "private key"),
        ("id_ed25519", b"", "private key"),
    ],
)
def test_what_does_not_belong_is_named(name: str, data: bytes, kind: str) -> None:
    assert kind in forbidden(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("train.py", b"import torch"),
        (".env.example", b"A=1"),
        ("changelog", b"log"),
        ("logging.md", b"# Log"),
        ("id_rsa.pub", b"ssh-rsa AAAA"),
        ("cert.pem", b"-----BEGIN CERTIFICATE-----\n" + BODY.encode() + b"\n"),
        ("scan.py", b'MARK = "-----BEGIN PRIVATE KEY-----"\n'),
        ("keys.md", b"-----BEGIN PRIVATE KEY-----\n...\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("wheel.whl", b"PK\x03\x04" + b"\0" * 40),
        ("model.py", b""),
        ("data.bin", b"\0\1"),
    ],
)
def test_what_belongs_is_not(name: str, data: bytes) -> None:
    assert forbidden(name, data) == ""


def test_the_command_says_what_to_do_and_takes_exceptions(tmp_path: Path) -> None:
    tree = repository(tmp_path, {"a/model.pt": b"x", ".env": "A=1", "ok.py": "", "key.txt": KEY})
    code, lines = hook(tree, "artifacts")
    assert code == 1
    assert [line.split(":")[0] for line in lines] == [".env", "a/model.pt", "key.txt"]
    assert "git rm --cached" in lines[0]
    assert "replace the key" in lines[2]
    assert hook(tree, "artifacts", "--allow", "a/**", "--allow", ".env", "--allow", "key.txt") == (0, [])
    assert hook(tree, "artifacts", "--", "ok.py") == (0, [])


def test_large_binaries_are_named_and_large_texts_are_not(tmp_path: Path) -> None:
    tree = repository(tmp_path, {"a.bin": b"\0" * 3000, "b.bin": b"\0" * 1000, "c.json": "1" * 3000})
    code, lines = hook(tree, "artifacts", "--max-kb", "2")
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith("a.bin: a binary file of 2 KiB, more than --max-kb 2")


def test_what_git_lfs_keeps_is_not_committed(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        ".gitattributes": "*.pt filter=lfs diff=lfs\n",
        "big.pt": b"PK",
        "other.ckpt": b"",
    }
    code, lines = hook(repository(tmp_path, files), "artifacts")
    assert (code, [line.split(":")[0] for line in lines]) == (1, ["other.ckpt"])
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    assert forbidden("weights.gguf", pointer)  # by its name
    assert hook(repository(tmp_path / "two", {"weights.gguf": pointer}), "artifacts") == (0, [])
