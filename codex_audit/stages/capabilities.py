"""S3: ask every probe of the catalogue what the facts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, Overruling
from codex_audit.capabilities.ask import ask_all
from codex_audit.capabilities.model import Capability
from codex_audit.facts.model import FileFacts
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree

SCHEMA = "codex-audit/capabilities_raw/v1"


def ask_capabilities(
    files: tuple[FileFacts, ...],
    catalogue: Iterable[Capability],
    disabled: Mapping[str, str],
    overrule: Mapping[str, Overruling] | None = None,
) -> CapabilitiesRaw:
    """``files`` in path order; ``disabled`` maps probe ids to the reason they are not asked, ``overrule`` to what
    the user says instead."""
    tree = Tree(files=files, defaults=load_defaults())
    answers = ask_all(tree, catalogue, disabled)
    return CapabilitiesRaw(
        SCHEMA, tree.has_code, tuple(_beside(capability, overrule or {}) for capability in answers)
    )


def _beside(answers: CapabilityAnswers, overrule: Mapping[str, Overruling]) -> CapabilityAnswers:
    """``answers`` with what overrules them; the audit's own verdicts and evidence stay as they are."""
    probes = tuple(replace(answer, overruled=overrule.get(answer.id)) for answer in answers.probes)
    return replace(answers, probes=probes)
