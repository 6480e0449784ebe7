"""S3: ask every probe of the catalogue what the facts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, Overruling
from codex_audit.capabilities.ask import Distance, ask_capability
from codex_audit.capabilities.model import Capability
from codex_audit.parallel import shared_out
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree
from codex_audit.stages.facets import Reading

SCHEMA = "codex-audit/capabilities_raw/v1"
# Calls in the code of a tree: with fewer, all probes are answered before two processes have started.
WORTH_SHARING = 20_000


def ask_capabilities(
    reading: Reading,
    catalogue: Sequence[Capability],
    disabled: Mapping[str, str],
    overrule: Mapping[str, Overruling] | None = None,
    *,
    jobs: int = 1,
) -> tuple[CapabilitiesRaw, frozenset[Distance]]:
    """The answers, and every place whose distance from others a probe wanted to know. ``disabled`` maps probe ids to
    the reason they are not asked, ``overrule`` to what the user says instead."""
    tree = Tree(reading.files, load_defaults(), reading.mentioned)
    if sum(len(module.facts.calls) for module in tree.code) < WORTH_SHARING:
        jobs = 1
    if jobs > 1:
        tree.index.prepare()  # once here, and not once in every process
    answers = shared_out(
        lambda index: ask_capability(tree, catalogue[index], disabled),
        [len(capability.probes) for capability in catalogue],
        jobs,
    )
    capabilities = tuple(_beside(capability, overrule or {}) for capability, _ in answers)
    distances = frozenset[Distance]().union(*(distances for _, distances in answers))
    return CapabilitiesRaw(SCHEMA, tree.has_code, capabilities), distances


def _beside(answers: CapabilityAnswers, overrule: Mapping[str, Overruling]) -> CapabilityAnswers:
    """``answers`` with what overrules them; the audit's own verdicts and evidence stay as they are."""
    probes = tuple(replace(answer, overruled=overrule.get(answer.id)) for answer in answers.probes)
    return replace(answers, probes=probes)
