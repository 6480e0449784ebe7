"""What an audit's results depend on: tool, grammar, settings, probes, templates and the tree itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import codex_audit
import codex_evidence
from codex_audit.artifacts import ContextIndex
from codex_audit.facts.python.version import grammar
from codex_audit.scanners.read import NO_SCANS, Scans
from codex_audit.workflow.settings import Workflow
from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.plain import to_plain
from codex_evidence.resources import template_folder
from codex_evidence.strict_json import loads

INPUTS = ("tool-version", "grammar", "workflow", "catalogue", "templates", "tree", "scan")
"""The names of all inputs, in the order of the chain."""

NOT_SCANNED = "not scanned"

_PACKAGE = Path(codex_audit.__file__).parent
_GROUND = Path(codex_evidence.__file__).parent
_ROOMS_THAT_DECIDE = ("capabilities", "facts", "query")
_ROOMS_THAT_MAKE = ("listing", "reports", "scanners", "stages", "workflow")
_MODULES_THAT_MAKE = ("artifacts.py", "parallel.py")
_SOURCES = frozenset({".py", ".toml", ".yaml", ".json"})


@dataclass(frozen=True, slots=True)
class Input:
    """``text`` is the input in clear where it is short enough to be read in the manifest, else None."""

    sha256: str
    size: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class RestsOn:
    """Whether an audit read a scan of its tree, and what a search for secrets withheld."""

    scan: bool
    withheld: bool


def audit_inputs(workflow: Workflow, index: ContextIndex, scans: Scans = NO_SCANS) -> dict[str, Input]:
    """Every input of an audit by name, in the order of ``INPUTS``."""
    return {**tool_inputs(workflow), "tree": tree_input(index), "scan": scan_input(scans)}


def tool_inputs(workflow: Workflow) -> dict[str, Input]:
    """The inputs that do not depend on the tree, in order."""
    return {
        "tool-version": _clear(tool_version()),
        "grammar": _clear(grammar()),
        "workflow": _clear(workflow_text(workflow)),
        "catalogue": _digested(_PACKAGE, _sources(_ROOMS_THAT_DECIDE)),
        "templates": _digested(template_folder(), _files_below(template_folder())),
    }


def tool_version() -> str:
    """The version with a digest of the code that makes artifacts, as a local version (PEP 440).

    The digest tells versions apart that nobody numbered: an audit made by changed code is stale, not forged.
    """
    modules = [_PACKAGE / name for name in _MODULES_THAT_MAKE]
    own = _digested(_PACKAGE, (*_sources(_ROOMS_THAT_MAKE), *modules))
    ground = _digested(_GROUND, (path for path in _files_below(_GROUND) if path.suffix == ".py"))
    return f"{codex_audit.__version__}+{sha256_hex((own.sha256 + ground.sha256).encode())[:16]}"


def reader_version() -> str:
    """A digest of the code that reads files into facts, and the grammar with which it reads Python."""
    return f"{_digested(_PACKAGE, _sources(('facts',))).sha256} {grammar()}"


def workflow_text(workflow: Workflow) -> str:
    """The settings in force as canonical JSON."""
    return canonical_bytes(to_plain(workflow)).decode("utf-8")


def tree_input(index: ContextIndex) -> Input:
    """The digest of the tree; the size is that of all its files."""
    return Input(index.tree_sha256, sum(entry.size for entry in index.files if entry.kind == "file"))


def scan_input(scans: Scans) -> Input:
    """The releases of the scanners with a digest of all that they found, and one of what is withheld; that nobody
    scanned this tree is said too."""
    scan, found = scans.fitting, dict[str, object]()
    if scan is not None:
        tools = {line.tool: f"{line.version} {line.state}".strip() for line in scan.summary.scanners}
        found |= {"sha256": sha256_hex(canonical_bytes(to_plain(scan))), "tools": tools}
    if scans.withheld:
        found["withheld"] = [search.sha256 for search in scans.withheld]
    return _clear(canonical_bytes(found).decode("utf-8") if found else NOT_SCANNED)


def rests_on(text: str) -> RestsOn:
    """What an audit read whose input ``scan`` is ``text``, as ``scan_input`` writes it. Raises StrictJsonError."""
    found = {} if text == NOT_SCANNED else loads(text.encode("utf-8"))
    return RestsOn("tools" in found, "withheld" in found)


def _clear(text: str) -> Input:
    data = text.encode("utf-8")
    return Input(sha256_hex(data), len(data), text)


def _sources(rooms: Iterable[str]) -> Iterable[Path]:
    # A verdict follows from a probe's words and code, from the searches it calls and from the facts they see:
    # only the source text covers all of it.
    for room in rooms:
        yield from (path for path in _files_below(_PACKAGE / room) if path.suffix in _SOURCES)


def _files_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(place, name) for name in names]
    return found


def _digested(folder: Path, files: Iterable[Path]) -> Input:
    """One digest over the names below ``folder`` and the bytes of ``files``."""
    digests = {path.relative_to(folder).as_posix(): sha256_hex(path.read_bytes()) for path in files}
    data = canonical_bytes(digests)
    return Input(sha256_hex(data), len(data))
