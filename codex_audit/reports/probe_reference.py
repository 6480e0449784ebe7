"""The reference of all probes: their words, and how right they are, from ``templates/``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from codex_audit.accuracy.figures import Counts, Share, balanced_accuracy, precision, recall
from codex_audit.accuracy.measured import Measured
from codex_audit.reports.environment import environment
from codex_audit.reports.escaping import Markdown
from codex_audit.reports.trust import precision_text, recall_text
from codex_audit.reports.wording import CapabilityWords

TEMPLATE = "probe_reference.md.j2"


def probe_reference(capabilities: Sequence[CapabilityWords], known: Measured) -> str:
    """The reference as Markdown. The same catalogue and figures give the same text."""
    probes = [probe for capability in capabilities for probe in capability.probes]
    figures = {probe.id: known.of(probe.id) for probe in probes}
    engine = environment(
        precision=precision_text,
        recall=recall_text,
        precision_figure=_precision_figure,
        recall_figure=_recall_figure,
        balanced=_balanced,
        anchor=_anchor,
        heading=_heading,
        link=_link,
    )
    text = engine.get_template(TEMPLATE).render(
        capabilities=capabilities,
        total=len(probes),
        corpus=known.corpus,
        hard=known.hard,
        figures=figures,
        totals={one.id: _total(figures[probe.id] for probe in one.probes) for one in capabilities},
        counts=_total(figures.values()),
    )
    return text.rstrip("\n") + "\n"


def _figure(share: Share | None) -> Markdown:
    """``88 (53 to 98)`` in percent, as a table has room for."""
    if share is None:
        return Markdown("not measurable")
    return Markdown(f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})")


def _precision_figure(counts: Counts) -> Markdown:
    return _figure(precision(counts))


def _recall_figure(counts: Counts) -> Markdown:
    return _figure(recall(counts))


def _total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())


def _balanced(counts: Counts) -> Markdown:
    figure = balanced_accuracy(counts)
    return Markdown("not measurable" if figure is None else f"{100 * figure:.1f}")


def _heading(title: str) -> Markdown:
    """The fragment under which GitHub finds a heading of words."""
    return Markdown(title.lower().replace(" ", "-"))


def _anchor(probe: str) -> Markdown:
    """The fragment under which GitHub finds the heading of a probe."""
    return Markdown(probe.replace(".", ""))


def _link(address: Any) -> Markdown:
    return Markdown(f"<{address}>")
