"""Answers of tools by content, in the cache that runs share. No value of a secret is among them, nor its plain hash."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

import codex_audit
from codex_audit.cache.store import Store
from codex_evidence.canonical import canonical_bytes

T = TypeVar("T")

ANSWERS = b"scan:"
"""With what the keys of all answers begin."""


def key_of(*parts: str) -> bytes:
    """The key of an answer that follows from ``parts`` and from the code of this room."""
    return ANSWERS + sha256(canonical_bytes(["scan", _code(), *parts])).digest()


def recall(store: Store | None, keys: list[bytes], cls: type[T]) -> dict[bytes, T]:
    """The remembered answers, as ``cls``; one that this version does not understand is one that is not there."""
    found: dict[bytes, T] = {}
    for key, data in (store.get(keys) if store is not None else {}).items():
        try:
            found[key] = msgspec.msgpack.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return found


def remember(store: Store | None, answers: dict[bytes, T]) -> None:
    """Keep ``answers``, where there is a store."""
    if store is not None:
        store.put({key: msgspec.msgpack.encode(value) for key, value in answers.items()})


@cache
def _code() -> str:
    """A digest of this room: other code may read the same answer differently."""
    state = sha256(codex_audit.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(sha256(path.read_bytes()).digest())
    return state.hexdigest()
