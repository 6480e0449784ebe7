"""How right a probe was, in words."""

from __future__ import annotations

from codex_audit.accuracy.figures import Counts, Share, precision, recall


def share_text(share: Share) -> str:
    """``7 of 8, 88% (95% interval 53% to 98%)``."""
    return f"{share.hits} of {share.of}, {share.value:.0%} (95% interval {share.low:.0%} to {share.high:.0%})"


def precision_text(counts: Counts) -> str:
    """The precision of a probe, or why it is not measurable."""
    share = precision(counts)
    if share is not None:
        return share_text(share)
    return f"not measurable, as {'it never said yes' if counts.fp + counts.tn else 'no label is no'}"


def recall_text(counts: Counts) -> str:
    """The recall of a probe, or why it is not measurable."""
    share = recall(counts)
    return share_text(share) if share is not None else "not measurable, as no label is yes"
