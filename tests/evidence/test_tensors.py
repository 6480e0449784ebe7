"""Safetensors files without torch, held against the format's own library."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import CodexError, TensorFileError, UnreadableError, WriteError
from codex_evidence.tensors import (
    RawTensor,
    combined_digest,
    digest_file,
    file_tensors,
    read_header,
    state_digest,
    write_tensors,
)

TYPES = {
    "F64": "<f8",
    "I64": "<i8",
    "F32": "<f4",
    "I32": "<i4",
    "F16": "<f2",
    "I16": "<i2",
    "U8": "u1",
    "BOOL": "?",
}


def raw(values: dict[str, Any]) -> list[RawTensor]:
    names = {np.dtype(code): name for name, code in TYPES.items()}
    return [RawTensor(name, names[array.dtype], array.shape, array) for name, array in values.items()]


def some() -> dict[str, Any]:
    random = np.random.default_rng(1)
    found: dict[str, Any] = {
        f"é{index}.{name}": (random.standard_normal((3, index + 1)) * 9).astype(code)
        for index, (name, code) in enumerate(TYPES.items())
    }
    return found | {
        "none": np.zeros((0, 3), "<f4"),
        "scalar": np.array(1.5, "<f4"),
        "big": random.random((300, 400)),
    }


def file_of(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin: int, end: int, dtype: str = "U8", shape: list[Any] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def test_a_written_file_has_the_bytes_that_the_library_writes(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    values = some()
    write_tensors(tmp_path / "ours", raw(values), {"format": "pt"})
    library.save_file(values, tmp_path / "theirs", {"format": "pt"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_all_ways_to_a_digest_agree(tmp_path: Path) -> None:
    tensors = raw(some())
    written = write_tensors(tmp_path / "a", iter(tensors))
    read = digest_file(tmp_path / "a")
    assert (read.size, read.sha256, read.tensors) == (written.size, written.sha256, written.tensors)
    assert written.sha256 == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    digests = {
        combined_digest(written.tensors),
        state_digest(file_tensors(tmp_path / "a")),
        state_digest((one.name, one.dtype, one.shape, one.data) for one in reversed(tensors)),
    }
    assert len(digests) == 1


def test_the_state_digest_is_the_documented_one() -> None:
    data = b"\x00\x00\x80\x3f"
    text = b'{"dtype":"F32","name":"w","shape":[1]}\n' + hashlib.sha256(data).hexdigest().encode() + b"\n"
    assert state_digest([("w", "F32", (1,), data)]) == hashlib.sha256(text).hexdigest()


def test_name_type_shape_and_bytes_all_count() -> None:
    base = ("w", "F32", (2, 1), bytes(8))
    others = [
        ("v", *base[1:]),
        ("w", "I32", *base[2:]),
        ("w", "F32", (1, 2), bytes(8)),
        (*base[:3], b"\1" + bytes(7)),
    ]
    assert len({state_digest([one]) for one in (base, *others)}) == 5


def test_a_name_that_comes_twice_has_no_digest_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(TensorFileError, match="two tensors called 'w'"):
        state_digest([("w", "U8", (1,), b"a"), ("w", "U8", (1,), b"b")])
    with pytest.raises(TensorFileError, match="two tensors called 'w'"):
        write_tensors(tmp_path / "a", [RawTensor("w", "U8", (1,), b"a")] * 2)
    assert not (tmp_path / "a").exists()


def test_a_tensor_may_be_fetched_when_it_is_its_turn(tmp_path: Path) -> None:
    asked: list[str] = []

    def fetched(name: str) -> bytes:
        asked.append(name)
        return name.encode()

    def tensor(name: str) -> RawTensor:
        return RawTensor(name, "U8", (1,), lambda: fetched(name))

    write_tensors(tmp_path / "a", map(tensor, "cab"))
    assert asked == ["a", "b", "c"]
    assert (tmp_path / "a").read_bytes().endswith(b"abc")


def test_a_tensor_of_other_size_than_its_shape_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TensorFileError, match="has 3 bytes; its shape and type take 8"):
        write_tensors(tmp_path / "a", [RawTensor("w", "F32", (2,), b"abc")])
    assert list(tmp_path.iterdir()) == []


def test_more_than_one_metadata_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TensorFileError, match="more than one metadata key"):
        write_tensors(tmp_path / "a", [], {"a": "1", "b": "2"})


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(WriteError, match="File exists"):
        write_tensors(tmp_path / "a", [])
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_a_disk_that_fills_up_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from codex_evidence.tensors import RawTensor, write_tensors\n"
        "from codex_evidence.errors import WriteError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: write_tensors(Path(sys.argv[1]), [RawTensor('w', 'U8', (10**6,), bytes(10**6))])\n"
        "except WriteError as error: print(error)\n"
    )
    path = tmp_path / "a"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"cannot write {path}: File too large"
    assert not path.exists()


def test_tensors_read_from_a_map_stay_when_the_file_was_closed(tmp_path: Path) -> None:
    values = {"a": np.arange(5, dtype="<i8"), "b": np.arange(3, dtype="<f4")}
    write_tensors(tmp_path / "a", raw(values))
    held = {name: np.frombuffer(data, TYPES[dtype]) for name, dtype, _, data in file_tensors(tmp_path / "a")}
    assert all((held[name] == values[name]).all() for name in values)


HOSTILE = {
    "empty file": b"",
    "shorter than the length": b"\x01\x00",
    "no data": file_of({}, length=99),
    "huge length": (2**63).to_bytes(8, "little") + b"{}",
    "no object": file_of(b"[]"),
    "unfinished": file_of(b"{"),
    "duplicate name": file_of(
        b'{"a":' + json.dumps(entry(0, 1)).encode() + b',"a":' + json.dumps(entry(0, 1)).encode() + b"}", b"x"
    ),
    "overlap": file_of({"a": entry(0, 2), "b": entry(1, 3)}, bytes(3)),
    "gap": file_of({"a": entry(0, 1), "b": entry(2, 3)}, bytes(3)),
    "beyond the end": file_of({"a": entry(0, 9)}, bytes(3)),
    "trailing bytes": file_of({"a": entry(0, 1)}, bytes(3)),
    "bytes of no tensor": file_of({}, bytes(3)),
    "starts late": file_of({"a": entry(1, 2)}, bytes(2)),
    "backwards": file_of({"a": entry(3, 1, shape=[2])}, bytes(3)),
    "negative": file_of({"a": entry(-1, 1)}, bytes(1)),
    "boolean offsets": file_of({"a": {"dtype": "U8", "shape": [1], "data_offsets": [False, True]}}, b"x"),
    "float shape": file_of({"a": entry(0, 1, shape=[1.0])}, b"x"),
    "wrong size": file_of({"a": entry(0, 4, "F64", [1])}, bytes(4)),
    "unknown type": file_of({"a": entry(0, 1, "Q8")}, b"x"),
    "half a byte": file_of({"a": entry(0, 1, "F4", [1])}, b"x"),
    "another field": file_of({"a": entry(0, 1) | {"more": 1}}, b"x"),
    "no fields": file_of({"a": {}}, b""),
    "many axes": file_of({"a": entry(0, 1, shape=[1] * 65)}, b"x"),
    "metadata not strings": file_of({"__metadata__": {"a": 1}}),
    "padding of line ends": file_of(b"{}\n\n\n\n\n\n"),
    "nan": file_of(b'{"a":NaN}'),
    "deep": file_of(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_breaks_a_rule_is_a_typed_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(HOSTILE[name])
    for read in (read_header, digest_file, lambda path: list(file_tensors(path))):
        with pytest.raises(TensorFileError, match=r"a\.safetensors: "):
            read(path)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name in ("fifo", "link", "missing"):
        with pytest.raises(UnreadableError):
            digest_file(tmp_path / name)


@given(st.data())
def test_a_flipped_bit_changes_the_digest_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = file_of({"a": entry(0, 4, "F32", [1]), "b": entry(4, 6)}, b"abcdef")
    position = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[position // 8] ^= 1 << position % 8
    path = tmp_path_factory.mktemp("flip") / "a"
    path.write_bytes(changed)
    try:
        found = digest_file(path)
    except CodexError:
        return
    assert found.sha256 == hashlib.sha256(changed).hexdigest()


def test_a_large_file_is_digested_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write(file_of({"a": entry(0, 256 * 2**20)}))
        file.truncate(file.tell() + 256 * 2**20)
    code = (
        "import resource, sys; from codex_evidence.tensors import digest_file\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); digest_file(sys.argv[1]); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 8 * 1024
