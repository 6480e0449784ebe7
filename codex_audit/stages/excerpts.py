"""What stands at the places that a verdict cites, taken from the bytes once the verdicts are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, Evidence, ProbeAnswer
from codex_audit.facts.secrets import find_secrets, hides, redact, redact_bytes

LONGEST = 160


def with_excerpts(
    raw: CapabilitiesRaw, read: Callable[[str], bytes], only: Collection[str] | None = None
) -> CapabilitiesRaw:
    """``raw`` with the text of every cited line: stripped, at most 160 characters, live-looking credentials replaced.

    ``read`` gives the bytes of a path that the audit has read; each is asked for once. What it raises is raised here.
    Lines of other files than ``only`` keep the text they have.
    """
    answers = [answer for capability in raw.capabilities for answer in capability.probes]
    cited = _cited(answers)
    lines = {
        path: quotable_lines(read(path))
        for path in sorted(cited if only is None else cited.intersection(only))
    }

    def quoted(items: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        return tuple(
            replace(item, excerpt=excerpt(lines[item.path], item.line)) if item.path in lines else item
            for item in items
        )

    def quoting(answers: CapabilityAnswers) -> CapabilityAnswers:
        probes = (
            replace(answer, evidence=quoted(answer.evidence), near=quoted(answer.near))
            for answer in answers.probes
        )
        return replace(answers, probes=tuple(probes))

    return replace(raw, capabilities=tuple(map(quoting, raw.capabilities)))


def _cited(answers: Iterable[ProbeAnswer]) -> set[str]:
    return {item.path for answer in answers for item in (*answer.evidence, *answer.near)}


def quotable_lines(data: bytes) -> list[str]:
    """The lines of a file, live-looking credentials replaced."""
    secret = bool(find_secrets(data)) or hides(data)
    text = (redact_bytes(data) if secret else data).decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [redact(line) for line in lines] if secret else lines


def excerpt(lines: list[str], line: int) -> str:
    """One of ``lines`` by its number, stripped, at most 160 characters; empty where there is no such line."""
    return lines[line - 1].strip()[:LONGEST] if 0 < line <= len(lines) else ""
