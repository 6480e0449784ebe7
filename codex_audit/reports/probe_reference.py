"""The reference of all probes: their words, and how right they are, from ``templates/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codex_audit.accuracy.figures import Counts, Share, precision, recall
from codex_audit.accuracy.measured import Measured
from codex_audit.reports.environment import environment
from codex_audit.reports.escaping import Markdown
from codex_audit.reports.wording import CapabilityWords, precision_text, recall_text

TEMPLATE = "probe_reference.md.j2"


def probe_reference(capabilities: Sequence[CapabilityWords], known: Measured) -> str:
    """The reference as Markdown. The same catalogue and figures give the same text."""
    probes = [probe for capability in capabilities for probe in capability.probes]
    figures = {probe.id: known.of(probe.id) for probe in probes}
    engine = environment(
        precision=precision_text,
        recall=recall_text,
        precision_figure=lambda counts: _figure(precision(counts)),
        recall_figure=lambda counts: _figure(recall(counts)),
        anchor=_anchor,
        link=_link,
    )
    text = engine.get_template(TEMPLATE).render(
        capabilities=capabilities,
        total=len(probes),
        corpus=known.corpus,
        hard=known.hard,
        figures=figures,
        counts=sum(figures.values(), Counts()),
    )
    return text.rstrip("\n") + "\n"


def _figure(share: Share | None) -> Markdown:
    """``88 (53 to 98)`` in percent, as a table has room for."""
    if share is None:
        return Markdown("not measurable")
    return Markdown(f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})")


def _anchor(probe: str) -> Markdown:
    """The fragment under which GitHub finds the heading of a probe."""
    return Markdown(probe.replace(".", ""))


def _link(address: Any) -> Markdown:
    return Markdown(f"<{address}>")
