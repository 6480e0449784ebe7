"""The chain of an audit: each link binds a role, a digest and a size to everything before it.

``link`` is the SHA-256 of the RFC 8785 bytes of the other five fields. Whoever holds the last link, the
head, holds the whole chain: no link can be changed, dropped, added or moved without changing the head.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import ChainError

ZERO = "0" * 64


@dataclass(frozen=True, slots=True)
class ChainLink:
    """``role`` is ``input:``, ``artifact:`` or ``report:`` and a name; ``sha256`` and ``size`` (bytes) are
    those of what has that role; ``previous`` is the link before, ZERO for the first; ``sequence`` counts
    from 0."""

    sequence: int
    role: str
    sha256: str
    size: int
    previous: str
    link: str


def link(sequence: int, role: str, sha256: str, size: int, previous: str) -> str:
    """The digest that binds these five fields."""
    return sha256_hex(
        canonical_bytes(
            {"sequence": sequence, "role": role, "sha256": sha256, "size": size, "previous": previous}
        )
    )


def build(items: Iterable[tuple[str, str, int]]) -> tuple[ChainLink, ...]:
    """The chain over ``(role, sha256, size)`` in the given order. Raises ChainError for a repeated role."""
    chain: tuple[ChainLink, ...] = ()
    for role, sha256, size in items:
        chain = extend(chain, role, sha256, size)
    return chain


def extend(chain: tuple[ChainLink, ...], role: str, sha256: str, size: int) -> tuple[ChainLink, ...]:
    """``chain`` with one more link. Raises ChainError when it has ``role`` already."""
    if any(former.role == role for former in chain):
        raise ChainError(f"the chain has {role!r} already; a role stands for one thing")
    sequence, previous = len(chain), head(chain)
    digest = link(sequence, role, sha256, size, previous)
    return (*chain, ChainLink(sequence, role, sha256, size, previous, digest))


def head(chain: tuple[ChainLink, ...]) -> str:
    """The last link, ZERO for an empty chain."""
    return chain[-1].link if chain else ZERO


def first_broken(chain: tuple[ChainLink, ...]) -> tuple[ChainLink, str] | None:
    """The first link that does not fit and why, None for a whole chain.

    A chain that was cut off at the end is whole in itself: compare ``head`` with the head that is known.
    """
    previous, roles = ZERO, set[str]()
    for index, item in enumerate(chain):
        if reason := _fault(item, index, previous, item.role in roles):
            return item, reason
        previous = item.link
        roles.add(item.role)
    return None


def _fault(item: ChainLink, index: int, previous: str, repeated: bool) -> str:
    if item.sequence != index:
        return f"link {index} says that it is link {item.sequence}"
    if item.previous != previous:
        return f"link {index} ({item.role}) does not follow the link before it"
    if item.link != link(item.sequence, item.role, item.sha256, item.size, item.previous):
        return f"link {index} ({item.role}) is not the digest of its own fields"
    return f"link {index} repeats the role {item.role}" if repeated else ""
