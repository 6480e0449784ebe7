"""What S2 to S6 made of a tree, kept under a key of all that it follows from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from platform import python_version

import msgspec

from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, Facets, Gaps
from codex_audit.cache.store import Store
from codex_audit.stages.inputs import Input

# Libraries whose releases may read or render the same bytes differently. The audit's own code is among its inputs.
PARSERS = ("dockerfile-parse", "jinja2", "markdown-it-py", "msgspec", "nbformat", "packaging", "pyyaml")
_STARTS = tuple(f"{name}-" for name in PARSERS)
_RECORD = ".dist-info"


@dataclass(frozen=True, slots=True)
class Results:
    """The artifacts of S2 to S5 and the reports of S6 by format; None or none where a stage did not run."""

    facets: Facets | None = None
    raw: CapabilitiesRaw | None = None
    scored: CapabilitiesScored | None = None
    gaps: Gaps | None = None
    reports: dict[str, bytes] = field(default_factory=dict)


def results_key(inputs: Mapping[str, Input], index_document: bytes) -> bytes:
    """A digest over everything that results follow from: the chain's inputs, the whole index and the parsers."""
    return digest(
        *(f"{name} {given.sha256}".encode() for name, given in inputs.items()), index_document, parsers()
    )


def parsers() -> bytes:
    """The releases of Python and of the libraries that read files or write reports.

    Their records are looked for by name (PyPA, "Recording installed projects"), because ``importlib.metadata`` takes
    longer to load than everything else of a run that is remembered.
    """
    folders = [folder for folder in sys.path if folder and os.path.isdir(folder)]  # noqa: PTH112 - the quicker one
    records = {name for folder in folders for name in os.listdir(folder) if name.endswith(_RECORD)}  # noqa: PTH208
    known = [name for name in records if name.lower().replace("_", "-").startswith(_STARTS)]
    return " ".join((python_version(), *sorted(known))).encode()


def digest(*parts: bytes) -> bytes:
    """32 bytes over ``parts``, which cannot run into each other."""
    state = blake2b(digest_size=32)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def recall(store: Store, key: bytes) -> Results | None:
    """The results under ``key``; None where there are none, or none that this version understands."""
    data = store.get([key]).get(key)
    try:
        return msgspec.msgpack.decode(data, type=Results) if data is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remember(store: Store, key: bytes, results: Results) -> None:
    store.put({key: msgspec.msgpack.encode(results)})
