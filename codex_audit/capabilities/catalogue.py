"""All capabilities, in the order of the matrix."""

from __future__ import annotations

from codex_audit.capabilities import (
    checkpointing,
    ci,
    config,
    data,
    deployment,
    docs,
    evaluation,
    extensibility,
    modeling,
    monitoring,
    reproducibility,
    security,
    tokenization,
    tracking,
    training,
)
from codex_audit.capabilities.model import Capability, Probe

CATALOGUE: tuple[Capability, ...] = (
    tokenization.CAPABILITY,
    modeling.CAPABILITY,
    training.CAPABILITY,
    config.CAPABILITY,
    evaluation.CAPABILITY,
    monitoring.CAPABILITY,
    checkpointing.CAPABILITY,
    data.CAPABILITY,
    security.CAPABILITY,
    ci.CAPABILITY,
    deployment.CAPABILITY,
    docs.CAPABILITY,
    tracking.CAPABILITY,
    extensibility.CAPABILITY,
    reproducibility.CAPABILITY,
)


def probes() -> tuple[Probe, ...]:
    """Every probe, in the order of the matrix."""
    return tuple(probe for capability in CATALOGUE for probe in capability.probes)
