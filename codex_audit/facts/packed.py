"""Facts as bytes and back, for other processes and the cache: MessagePack, read strictly against the types."""

from __future__ import annotations

from functools import cache

import msgspec

from codex_audit.facts.model import FileFacts
from codex_evidence.errors import CodexError


class NotFactsError(CodexError):
    """Bytes that hold no facts of this version."""

    exit_code = 3


def pack(facts: FileFacts) -> bytes:
    return msgspec.msgpack.encode(facts)


def unpack(data: bytes) -> FileFacts:
    """Raises NotFactsError for anything that ``pack`` of this version cannot have written."""
    try:
        return _decoder().decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotFactsError(f"these are no facts: {error}") from error


@cache
def _decoder() -> msgspec.msgpack.Decoder[FileFacts]:
    return msgspec.msgpack.Decoder(FileFacts)
