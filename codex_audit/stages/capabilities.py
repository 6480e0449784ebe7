"""S3: ask every probe of the catalogue what the facts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codex_audit.artifacts import CapabilitiesRaw
from codex_audit.capabilities.ask import ask_all
from codex_audit.capabilities.model import Capability
from codex_audit.facts.model import FileFacts
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree

SCHEMA = "codex-audit/capabilities_raw/v1"


def ask_capabilities(
    files: tuple[FileFacts, ...], catalogue: Iterable[Capability], disabled: Mapping[str, str]
) -> CapabilitiesRaw:
    """``files`` in path order; ``disabled`` maps probe ids to the reason they are not asked."""
    tree = Tree(files=files, defaults=load_defaults())
    return CapabilitiesRaw(SCHEMA, tree.has_code, ask_all(tree, catalogue, disabled))
