"""Source distributions: what a repository has and does not ship, so that nobody is told to add it."""

from __future__ import annotations

from collections.abc import Iterable

from codex_audit.artifacts import ContextIndex

# Probes that are answered by files for developers of the repository: builds leave these and most tests out.
_UNSHIPPED = frozenset(
    {
        "ci.hooks",
        "ci.pipeline",
        "deployment.container",
        "deployment.release",
        "docs.changelog",
        "docs.contributing",
        "docs.examples",
        "docs.site",
        "extensibility.guide",
        "reproducibility.pinned",
        "security.dependency-audit",
        "security.policy",
        "security.sbom",
        "security.secret-scan",
    }
)


def is_sdist(index: ContextIndex) -> bool:
    """Whether the tree is an unpacked source distribution: it has a ``PKG-INFO`` and git has no view of it."""
    return index.view != "git" and any(entry.path == "PKG-INFO" for entry in index.files)


def unshipped(index: ContextIndex, probes: Iterable[str]) -> frozenset[str]:
    """Those of ``probes`` whose *no* says nothing here; none for a repository."""
    if not is_sdist(index):
        return frozenset()
    return frozenset(probe for probe in probes if probe in _UNSHIPPED or probe.endswith(".tests"))
