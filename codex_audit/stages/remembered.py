"""What S2 to S6 made of a tree, kept under a key of all that it follows from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from platform import python_version

import msgspec

from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, Facets, Gaps
from codex_audit.cache.store import Store
from codex_audit.stages.inputs import Input

# Libraries whose releases may read or render the same bytes differently. The audit's own code is among its inputs.
PARSERS = (
    "dockerfile-parse",
    "jinja2",
    "markdown-it-py",
    "markupsafe",
    "msgspec",
    "nbformat",
    "packaging",
    "pyyaml",
)
_STARTS = tuple(f"{name}-" for name in PARSERS)
_RECORD = ".dist-info"


@dataclass(frozen=True, slots=True)
class Whole:
    """The artifacts of S2 to S5 and the reports of S6 by format."""

    facets: Facets
    raw: CapabilitiesRaw
    scored: CapabilitiesScored
    gaps: Gaps
    reports: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Results:
    """The same, with None or none where a stage did not run."""

    facets: Facets | None = None
    raw: CapabilitiesRaw | None = None
    scored: CapabilitiesScored | None = None
    gaps: Gaps | None = None
    reports: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keys:
    """Under what a run is remembered: ``results`` is a digest of all that results follow from, ``place`` one of where
    the tree lies and of everything but the tree."""

    results: bytes
    place: bytes


def keys_of(tree: Path, inputs: Mapping[str, Input], index_document: bytes) -> Keys:
    """The keys of an audit of ``tree``, from the chain's inputs, the whole index and the releases of the parsers."""
    tool = [f"{name} {given.sha256}".encode() for name, given in inputs.items() if name != "tree"]
    place = os.fsencode(os.path.realpath(tree))
    return Keys(
        digest(b"results", *tool, parsers(), index_document), digest(b"place", *tool, parsers(), place)
    )


def parsers() -> bytes:
    """The releases of Python and of the libraries that read files or write reports.

    Their records are looked for by name (PyPA, "Recording installed projects"), because ``importlib.metadata`` takes
    longer to load than everything else of a run that is remembered.
    """
    records = {name for folder in sys.path if folder for name in _names(folder) if name.endswith(_RECORD)}
    known = [name for name in records if name.lower().replace("_", "-").startswith(_STARTS)]
    return " ".join((python_version(), *sorted(known))).encode()


def _names(folder: str) -> list[str]:
    """What lies in a folder; nothing where it is none, or may not be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - the quicker one
    except OSError:
        return []


def digest(*parts: bytes) -> bytes:
    """32 bytes over ``parts``, which cannot run into each other."""
    state = blake2b(digest_size=32)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def recall(store: Store, keys: Keys) -> Whole | None:
    """The results that were remembered; None where there are none, or none that this version understands."""
    found = store.get([keys.results, keys.place])
    results = _results(found.get(keys.results))
    if results is not None and found.get(keys.place) != keys.results:
        store.put({keys.place: keys.results})  # the place holds another tree than at the last run
    return results


def recall_last(store: Store, keys: Keys) -> tuple[bytes, Whole] | None:
    """The results of the last run on this place, and their key."""
    key = store.get([keys.place]).get(keys.place, b"")
    results = _results(store.get([key]).get(key)) if key else None
    return (key, results) if results is not None else None


def remember(store: Store, keys: Keys, results: Whole) -> None:
    store.put({keys.results: msgspec.msgpack.encode(results), keys.place: keys.results})


def _results(data: bytes | None) -> Whole | None:
    try:
        return msgspec.msgpack.decode(data, type=Whole) if data is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
