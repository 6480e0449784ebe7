"""The step chain: one line an optimizer step, each with the digest of the line before.

A line is the RFC 8785 bytes of a ``StepRecord`` and a newline. Whoever holds the last line's digest, the head, holds
all lines; the Merkle root (RFC 9162, section 2.1.1) lets one line be shown without the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import StepError, UnreadableError
from codex_evidence.files import open_regular
from codex_evidence.names import shown

MAX_LINE = 4096
"""Bytes; a record takes about 600."""

_MOST = 2**53 - 1
_CHUNK = 1 << 20
_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One optimizer step.

    ``step`` counts from 1, ``epoch`` from 0. ``loss`` is the mean over ``targets`` in nats, ``loss_hex`` the same as
    ``float.hex`` writes it. ``grad_norm`` is that before clipping; None when it was not taken (``grad_norm_hex`` is
    empty) or is no finite number (it says which). ``samples`` is the SHA-256 of the sample ids of the global batch in
    their order, as little-endian int64. ``state`` is the digest of the state that was saved just before this step,
    else empty. ``prev`` is the SHA-256 of the line before without its newline, the genesis for the first.
    """

    step: int
    epoch: int
    loss: float
    loss_hex: str
    grad_norm: float | None
    grad_norm_hex: str
    lr: float
    targets: int
    samples: str
    state: str
    prev: str


@dataclass(frozen=True, slots=True)
class StepLog:
    """What a log holds up to the first line that does not fit, which ``fault`` names (empty: all lines fit).

    ``digests`` are those of the lines of ``records``, which are the ones that the reader was to keep. ``count``,
    ``first`` and ``last`` (0 when there is none), ``head`` and ``root`` are of all lines that fit.
    """

    records: tuple[StepRecord, ...]
    digests: tuple[str, ...]
    count: int
    first: int
    last: int
    head: str
    root: str
    fault: str


def line(
    step: int,
    epoch: int,
    loss: float,
    grad_norm: float | None,
    lr: float,
    targets: int,
    samples: str,
    state: str,
    prev: str,
) -> tuple[bytes, str]:
    """The line of a step, newline included, and its digest. Raises StepError for a value that no line can hold.

    Equal to the RFC 8785 bytes of the record, which costs the loop a third of what a general encoder does.
    """
    if not (_is_digest(samples) and _is_digest(prev) and (state == "" or _is_digest(state))):
        raise StepError(
            f"step {step}: samples, state and prev must be SHA-256 in 64 lower-case hexadecimal digits"
        )
    if not (0 < step <= _MOST and 0 <= epoch <= _MOST and 0 <= targets <= _MOST):
        raise StepError(f"step {step}, epoch {epoch}, targets {targets}: out of range")
    if grad_norm is None:
        norm, norm_hex = "null", ""
    else:
        norm_hex = grad_norm.hex()
        norm = "null" if "n" in norm_hex else number(grad_norm)  # nan, inf
    text = (
        f'{{"epoch":{epoch:d},"grad_norm":{norm},"grad_norm_hex":"{norm_hex}","loss":{number(loss)},'
        f'"loss_hex":"{loss.hex()}","lr":{number(lr)},"prev":"{prev}","samples":"{samples}","state":"{state}",'
        f'"step":{step:d},"targets":{targets:d}}}'
    ).encode("ascii")
    return text + b"\n", hashlib.sha256(text).hexdigest()


def _is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 in lower case. A regular expression takes a training step a quarter of this line's
    time, because its engine is never in the processor's cache."""
    return len(text) == 64 and not text.strip(_HEX)


def number(value: float) -> str:
    """A finite float as ECMAScript writes it (RFC 8785, section 3.2.2.3). Raises StepError for any other.

    Python's shortest digits are the same; only where the point goes and when an exponent is used differs.
    """
    text = repr(value)
    if "n" in text:
        raise StepError(f"{text} cannot be recorded; a run stops at the first number that is not finite")
    if "e" not in text:
        return text if not text.endswith(".0") else text[:-2] if value else "0"  # minus zero loses its sign
    digits, _, exponent = text.partition("e-0")
    if exponent not in ("5", "6"):
        return canonical_bytes(value).decode("ascii")
    sign, digits = ("-", digits[1:]) if value < 0 else ("", digits)
    return f"{sign}0.{'0' * (int(exponent) - 1)}{digits.replace('.', '')}"  # a learning rate, as often as not


def read_steps(
    source: Path | bytes, genesis: str, *, keep: Callable[[StepRecord], bool] = lambda _: True
) -> StepLog:
    """The log in the file or bytes ``source``, checked line by line. Raises UnreadableError for a file.

    A line fits when its bytes are exactly those that ``line`` makes of its values, it names the digest of the line
    before, and its step is the next one. ``keep`` chooses the records to be returned: a log may be long.
    """
    records: list[StepRecord] = []
    digests: list[str] = []
    tree = MerkleTree()
    count = first = last = 0
    head, fault = genesis, ""
    for text, ended in _lines(source):
        record = _record(text)
        fault = _fault(record, text, ended, head, last)
        if record is None or fault:
            fault = f"line {count + 1} {fault}"
            break
        head = hashlib.sha256(text).hexdigest()
        tree.append(text)
        count, first, last = count + 1, first or record.step, record.step
        if keep(record):
            records.append(record)
            digests.append(head)
    return StepLog(tuple(records), tuple(digests), count, first, last, head, tree.root(), fault)


def _record(text: bytes) -> StepRecord | None:
    try:
        return msgspec.json.decode(text, type=StepRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fault(record: StepRecord | None, text: bytes, ended: bool, head: str, last: int) -> str:
    if not ended:
        return "was cut off: it has no newline"
    if record is None:
        return "is no step record"
    if not _is_as_written(record, text):
        return f"(step {record.step}) is not as a recorder writes it, so it was edited"
    if record.prev != head:
        return f"(step {record.step}) does not follow the line before it"
    return f"(step {record.step}) does not come after step {last}" if last and record.step != last + 1 else ""


def _is_as_written(record: StepRecord, text: bytes) -> bool:
    """Writing a line again says more than any schema: keys, order, numbers, and no second value beside the first."""
    try:
        # From the hex: it also holds the sign of a zero, and nan and inf.
        loss = float.fromhex(record.loss_hex)
        norm = float.fromhex(record.grad_norm_hex) if record.grad_norm_hex else None
        written, _ = line(
            record.step,
            record.epoch,
            loss,
            norm,
            record.lr,
            record.targets,
            record.samples,
            record.state,
            record.prev,
        )
    except (StepError, ValueError, OverflowError):
        return False
    return written[:-1] == text


def _lines(source: Path | bytes) -> Iterator[tuple[bytes, bool]]:
    """The lines without their newline, and whether there was one. No line is longer than MAX_LINE + 1."""
    left = b""
    for chunk in _chunks(source):
        *whole, left = (left + chunk).split(b"\n")
        yield from ((text[: MAX_LINE + 1], True) for text in whole)
        left = left[: MAX_LINE + 1]
    if left:
        yield left, False


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with open_regular(source) as file:
        try:
            while chunk := file.read(_CHUNK):
                yield chunk
        except OSError as error:
            raise UnreadableError(f"cannot read {shown(source)}: {error.strerror}") from error


class MerkleTree:
    """The hash of RFC 9162, section 2.1.1, over lines that come one after another; holds one digest a level."""

    def __init__(self) -> None:
        self._count = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        digest, count = hashlib.sha256(b"\x00" + leaf).digest(), self._count
        while count & 1:  # two trees of one size are one of the next
            digest = _node(self._peaks.pop(), digest)
            count >>= 1
        self._peaks.append(digest)
        self._count += 1

    def root(self) -> str:
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        digest = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            digest = _node(peak, digest)
        return digest.hex()


def merkle_root(leaves: Iterable[bytes]) -> str:
    """The root over ``leaves`` in hex; that of no leaf is the SHA-256 of nothing."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
