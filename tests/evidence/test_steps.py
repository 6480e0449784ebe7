"""The step chain: fast lines that are canonical, and a reader that believes none."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import StepError, UnreadableError
from codex_evidence.schemas import validate
from codex_evidence.steps import MAX_LINE, line, merkle_root, number, read_steps

GENESIS = hashlib.sha256(b"genesis").hexdigest()
SAMPLES = hashlib.sha256(b"samples").hexdigest()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**53 - 1)
DIGEST = st.binary(min_size=32, max_size=32).map(bytes.hex)


def log(count: int, first: int = 1) -> bytes:
    text, prev = b"", GENESIS
    for step in range(first, first + count):
        made, prev = line(step, 0, 5.5 / step, 1.5, 3e-5 * step, 64, SAMPLES, "", prev)
        text += made
    return text


@given(FINITE)
def test_a_number_is_written_as_ecmascript_does(value: float) -> None:
    assert number(value).encode() == canonical_bytes(value)


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.0, -1.0, 1e15, 1e16, 1e20, 1e21, 1e22, 1e-4, 1e-5, 3e-5, 2.5e-6, -1.25e-5, 9.99e-7, 1e-7, 5e-324]
)  # fmt: skip
def test_a_number_where_the_point_or_the_exponent_moves(value: float) -> None:
    assert number(value).encode() == canonical_bytes(value)


@given(
    st.integers(1, 2**53 - 1), COUNT, FINITE, st.none() | st.floats(), FINITE, COUNT, DIGEST, DIGEST | st.just(""), DIGEST
)  # fmt: skip
def test_a_line_is_the_canonical_bytes_of_its_record_and_is_read_back(
    step: int,
    epoch: int,
    loss: float,
    norm: float | None,
    lr: float,
    targets: int,
    samples: str,
    state: str,
    prev: str,
) -> None:
    text, digest = line(step, epoch, loss, norm, lr, targets, samples, state, prev)
    record: dict[str, Any] = {
        "step": step,
        "epoch": epoch,
        "loss": loss,
        "loss_hex": loss.hex(),
        "grad_norm": norm if norm is not None and math.isfinite(norm) else None,
        "grad_norm_hex": "" if norm is None else norm.hex(),
        "lr": lr,
        "targets": targets,
        "samples": samples,
        "state": state,
        "prev": prev,
    }
    assert text == canonical_bytes(record) + b"\n"
    assert digest == hashlib.sha256(text[:-1]).hexdigest()
    validate(json.loads(text), "run_step")
    found = read_steps(text, prev)
    assert (found.fault, found.count, found.head, found.first) == ("", 1, digest, step)


def test_a_loss_of_minus_zero_is_read_back() -> None:
    """What cross-entropy gives for targets that are certain."""
    text, digest = line(1, 0, -0.0, -0.0, 0.0, 1, "0" * 64, "", "0" * 64)
    assert (read_steps(text, "0" * 64).fault, read_steps(text, "0" * 64).head) == ("", digest)


@pytest.mark.parametrize("hexed", [b"0x1.0p+9999999", b"zero", b"", b"0x0.0p+0 "])
def test_a_hex_that_no_recorder_writes_is_refused(hexed: bytes) -> None:
    text, _ = line(1, 0, 0.0, 0.0, 0.0, 1, "0" * 64, "", "0" * 64)
    assert "edited" in read_steps(text.replace(b"0x0.0p+0", hexed), "0" * 64).fault


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(StepError, match="not finite"):
        line(1, 0, bad, None, 0.1, 1, SAMPLES, "", GENESIS)


@pytest.mark.parametrize("bad", ['"', "A" * 64, "0" * 63, "0" * 64 + "\n", "é" * 64])
def test_what_is_no_digest_is_refused(bad: str) -> None:
    for samples, state, prev in ((bad, "", GENESIS), (SAMPLES, bad, GENESIS), (SAMPLES, "", bad)):
        with pytest.raises(StepError, match="hexadecimal"):
            line(1, 0, 1.0, None, 0.1, 1, samples, state, prev)


def test_a_log_gives_its_steps_head_and_root(tmp_path: Path) -> None:
    (tmp_path / "steps").write_bytes(log(5, first=7))
    found = read_steps(tmp_path / "steps", GENESIS)
    assert (found.count, found.first, found.last, found.fault) == (5, 7, 11, "")
    assert found.head == found.digests[-1]
    assert found.root == merkle_root(log(5, first=7).splitlines())
    chosen = read_steps(tmp_path / "steps", GENESIS, keep=lambda record: record.step == 9)
    assert [record.step for record in chosen.records] == [9]
    assert chosen.digests == found.digests[2:3]
    assert (chosen.count, chosen.head, chosen.root) == (found.count, found.head, found.root)


def test_an_empty_log_has_the_genesis_for_a_head() -> None:
    found = read_steps(b"", GENESIS)
    assert (found.count, found.first, found.head, found.fault) == (0, 0, GENESIS, "")
    assert found.root == hashlib.sha256().hexdigest()


def damaged() -> dict[str, tuple[bytes, str]]:
    lines = log(4).splitlines(keepends=True)
    return {
        "dropped": (b"".join([*lines[:1], *lines[2:]]), "line 2 .step 3. does not follow"),
        "first dropped": (b"".join(lines[1:]), "line 1 .step 2. does not follow"),
        "repeated": (b"".join([*lines[:2], *lines[1:]]), "line 3 .step 2. does not follow"),
        "swapped": (b"".join([lines[0], lines[2], lines[1]]), "line 2 "),
        "empty line": (lines[0] + b"\n" + lines[1], "line 2 is no step record"),
        "cut off": (lines[0] + lines[1][:-1], "line 2 was cut off"),
        "half": (lines[0] + lines[1][:50], "line 2 was cut off"),
        "a space": (lines[0].replace(b",", b", ", 1), "line 1 .step 1. is not as a recorder writes it"),
        "hex differs": (lines[0].replace(b'"loss":5.5', b'"loss":5.4'), "line 1 .step 1. is not as a recorder"),
        "another key": (lines[0].replace(b"{", b'{"a":1,'), "line 1 .step 1. is not as a recorder"),
        "a key twice": (lines[0].replace(b"{", b'{"epoch":0,'), "line 1 .step 1. is not as a recorder"),
        "windows": (lines[0].replace(b"\n", b"\r\n"), "line 1 .step 1. is not as a recorder"),
        "nan": (lines[0].replace(b"5.5", b"NaN"), "line 1 is no step record"),
        "no json": (b"\xff\xfe\x00\n", "line 1 is no step record"),
        "deep": (b"[" * 4000 + b"\n", "line 1 is no step record"),
        "long": (b"x" * (MAX_LINE * 600), "line 1 was cut off"),
        "long and ended": (b"x" * (MAX_LINE * 600) + b"\n", "line 1 is no step record"),
        "a jump": (lines[0] + line(3, 0, 1.0, None, 0.1, 1, SAMPLES, "", read_steps(lines[0], GENESIS).head)[0], "does not come after step 1"),
    }  # fmt: skip


@pytest.mark.parametrize("name", damaged())
def test_the_first_line_that_does_not_fit_is_named(name: str) -> None:
    text, fault = damaged()[name]
    found = read_steps(text, GENESIS)
    assert re.search(fault, found.fault), found.fault


@given(st.data())
def test_no_flipped_bit_passes(data: st.DataObject) -> None:
    whole = log(3)
    known = read_steps(whole, GENESIS)
    position = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[position // 8] ^= 1 << position % 8
    found = read_steps(bytes(changed), GENESIS)
    assert found.fault or (found.head, found.root) != (known.head, known.root)


def test_another_genesis_does_not_fit() -> None:
    assert "line 1" in read_steps(log(2), SAMPLES).fault


def test_a_missing_log_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        read_steps(tmp_path / "none", GENESIS)


@pytest.mark.parametrize("count", range(1, 20))
def test_the_root_is_that_of_the_recursive_definition(count: int) -> None:
    leaves = [bytes([number]) * number for number in range(count)]

    def tree(part: list[bytes]) -> bytes:
        if len(part) == 1:
            return hashlib.sha256(b"\x00" + part[0]).digest()
        half = 1 << (len(part) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + tree(part[:half]) + tree(part[half:])).digest()

    assert merkle_root(leaves) == tree(leaves).hex()
