"""What must not be in a tree and is: findings of the probes that are yes by absence, at the places that they name."""

from __future__ import annotations

from codex_audit.artifacts import ProbeAnswer
from codex_audit.status.known import Known
from codex_audit.status.model import Finding
from codex_audit.status.words import count

_SHOWN = 4


def forbidden(known: Known, told: frozenset[str]) -> tuple[Finding, ...]:
    """One finding for each kind of thing; ``told`` are paths that a detector has named already."""
    return tuple(
        finding
        for probe, answer in known.answers.items()
        if known.probes[probe].by_absence and answer.counted == "no"
        for finding in _findings(answer, known, told)
    )


def _findings(answer: ProbeAnswer, known: Known, told: frozenset[str]) -> tuple[Finding, ...]:
    kinds: dict[str, list[int]] = {}
    for number, item in enumerate(answer.near):
        if item.path not in told:
            kinds.setdefault(item.why, []).append(number)
    probe = known.probes[answer.id]
    return tuple(
        Finding(
            detector=answer.id,
            title=_title(why, answer.near[numbers[0]].symbol, len(numbers)),
            level="high",
            risk=probe.risk,
            reach=len({answer.near[number].path for number in numbers}),
            places=tuple(known.cite(answer.near[number]) for number in numbers[:_SHOWN]),
            remedy=probe.remedy.text,
            effort=probe.remedy.effort,
            more=max(0, len(numbers) - _SHOWN),
        )
        for why, numbers in kinds.items()
    )


def _title(why: str, symbol: str, number: int) -> str:
    said = f"`{symbol}`{why.removeprefix(symbol)}" if symbol and why.startswith(symbol) else why
    return f"{said[:1].upper()}{said[1:]}, in {count(number, 'place')}"
