"""The names that settings may use in this version."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Capability
    from codex_audit.workflow.settings import Vocabulary


class _ProbeIds(Collection[str]):
    """The ids of all probes, loaded when somebody looks: few settings name one, and loading takes longer than an
    audit that is remembered."""

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return tuple(probe.id for capability in catalogue() for probe in capability.probes)

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def catalogue() -> tuple[Capability, ...]:
    """All capabilities."""
    from codex_audit.capabilities.catalogue import CATALOGUE

    return CATALOGUE


def vocabulary() -> Vocabulary:
    """The names that a workflow may use in this version."""
    from codex_audit.reports.formats import FORMATS
    from codex_audit.workflow.settings import Vocabulary

    return Vocabulary(_ProbeIds(), tuple(row.name for row in FORMATS))
