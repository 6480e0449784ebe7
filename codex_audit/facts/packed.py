"""Facts as bytes and back, for other processes and the cache: MessagePack, read strictly against the types."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache

import msgspec

from codex_audit.facts.model import FileFacts
from codex_evidence.errors import CodexError


class NotFactsError(CodexError):
    """Bytes that hold no facts of this version."""

    exit_code = 3


def pack(facts: FileFacts) -> bytes:
    """``facts`` as bytes. Half of a surrogate pair, which Python and JSON can spell and no UTF-8 can, is escaped."""
    try:
        return msgspec.msgpack.encode(facts)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_escaped(facts))


def _escaped(value: object) -> object:
    """The same facts with every text fit for UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, tuple):
        items = map(_escaped, value)
        return type(value)._make(items) if hasattr(value, "_make") else tuple(items)
    if isinstance(value, frozenset):
        return frozenset(map(_escaped, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _escaped(getattr(value, item.name)) for item in fields(value)})
    return value


def unpack(data: bytes) -> FileFacts:
    """Raises NotFactsError for anything that ``pack`` of this version cannot have written."""
    try:
        return _decoder().decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotFactsError(f"these are no facts: {error}") from error


@cache
def _decoder() -> msgspec.msgpack.Decoder[FileFacts]:
    return msgspec.msgpack.Decoder(FileFacts)
