"""What this update does not ask for now, and why; and what went wrong while it was made."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.status.known import Known
from codex_audit.status.model import Deferred, ErrorBlock
from codex_audit.status.words import count, names

_ERRORS = 6


def deferred(known: Known) -> tuple[Deferred, ...]:
    return tuple(_deferred(known))


def _deferred(known: Known) -> Iterator[Deferred]:
    for probe, reason in known.workflow.disable.items():
        yield Deferred(f"`{probe}` is not asked", reason)
    for probe, ruled in known.workflow.overrule.items():
        until = f", until {ruled.expires}" if ruled.expires else ""
        yield Deferred(
            f"`{probe}` is overruled to {ruled.verdict} at `{ruled.place}`", f"{ruled.reason}{until}"
        )
    away = [probe for probe in known.steps if probe in known.unshipped]
    if away:
        yield Deferred(
            f"{count(len(away), 'question')} that a source distribution cannot answer (not shipped, section 3)",
            "Ask them of the repository.",
        )
    days = [
        probe for probe, step in known.steps.items() if step.effort == "days" and probe not in known.unshipped
    ]
    if days:
        each = "It takes days, and needs" if len(days) == 1 else "Each takes days, and needs"
        yield Deferred(names(days, 4), f"{each} an owner and a design of its own.")
    for probe, answer in known.answers.items():
        said = known.workflow.disable.keys() | known.workflow.overrule.keys()
        if answer.counted == "unknown" and probe not in said:
            yield Deferred(f"`{probe}`", f"Unknown: {answer.sentence.removesuffix('.')}.")
    apart = [probe for probe, answer in known.answers.items() if answer.counted == "not_applicable"]
    if apart:
        reason = known.answers[apart[0]].reason.removesuffix(".")
        more = "; the others for reasons of their own" if len(apart) > 1 else ""
        yield Deferred(names(apart, 4), f"Does not apply here: {reason}{more}.")
    skimmed = known.facets.groups.get("skimmed", ())
    if skimmed:
        yield Deferred(
            f"Asking every probe of {count(len(skimmed), 'more Python file')}",
            "The tree is very large, and the probes read the files that say most of what they ask. The detectors of "
            "section 4 read all that is neither a test nor generated.",
        )


def errors(known: Known) -> tuple[ErrorBlock, ...]:
    """Files that did not parse, and what git refused, as blocks that a team can file."""
    blocks = [
        ErrorBlock(
            "S2: read files",
            f"{item.reader}: {item.reason}",
            f"{item.path}:{item.line}" if item.line else item.path,
        )
        for item in known.facets.unread
        if "test" not in known.ground.facets(item.path)
    ]
    blocks += [
        ErrorBlock("S1: list the tree", entry.note, entry.path)
        for entry in known.ground.index.files
        if entry.note.startswith("unreadable")
    ]
    return tuple(blocks[:_ERRORS])
