"""The reproducibility checklist: twelve items, each answered from verdicts of probes and from what code sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codex_audit.artifacts import ProbeAnswer
from codex_audit.query.tree import Tree
from codex_audit.status.capability_table import lowered
from codex_audit.status.known import Known
from codex_audit.status.model import Answer, Check, Citation
from codex_audit.status.searches import offline, toggles, variables
from codex_audit.status.words import names

_PLACES = 2


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for what no probe asks about; ``sought`` names it."""

    find: Callable[[Tree], Iterator[Citation]]
    sought: str
    verb: str = "Sets"


@dataclass(frozen=True, slots=True)
class _Item:
    title: str
    probes: tuple[str, ...]
    searches: tuple[_Search, ...] = ()


def _variable(name: str) -> _Search:
    return _Search(lambda tree: variables(tree, name), f"`{name}`")


_ITEMS = (
    _Item("Seeds", ("reproducibility.seed", "reproducibility.seed-all")),
    _Item("Environment", ("reproducibility.environment", "reproducibility.declared-python")),
    _Item("Code version", ("reproducibility.code-version",)),
    _Item("Data version", ("data.manifest",)),
    _Item("Dependency lock", ("reproducibility.pinned",)),
    _Item("Hardware determinism", ("reproducibility.deterministic",)),
    _Item(
        "Result determinism",
        (
            "reproducibility.seed-all",
            "reproducibility.deterministic",
            "data.shuffle",
            "checkpointing.resume",
            "checkpointing.rng",
        ),
    ),
    _Item("RNG state", ("checkpointing.rng",)),
    _Item("Variables", (), (_variable("PYTHONHASHSEED"), _variable("CUBLAS_WORKSPACE_CONFIG"))),
    _Item("CUDA toggles", (), (_Search(toggles, "`torch.backends` or a deterministic mode"),)),
    _Item("Artifact digests", ("checkpointing.digest",)),
    _Item(
        "Offline data",
        ("data.cache", "tracking.offline"),
        (_Search(offline, "an offline variable or `local_files_only`", "Uses"),),
    ),
)


def checklist(known: Known) -> tuple[Check, ...]:
    """Every item in order."""
    return tuple(_check(item, known) for item in _ITEMS)


def _check(item: _Item, known: Known) -> Check:
    answers = [known.answers[probe] for probe in item.probes]
    found = [(search, _best_first(search, known)) for search in item.searches]
    verdicts = [
        *(_verdict(answer, known) for answer in answers),
        *("yes" if one else "no" for _, one in found),
    ]
    places = [
        known.cite(answer.evidence[0]) for answer in answers if answer.counted == "yes" and answer.evidence
    ]
    places += [known.sources.checked(one[0]) for _, one in found if one]
    return Check(
        item.title,
        summed(verdicts),
        (*_notes(answers, known), *_searched(found)),
        tuple(dict.fromkeys(places))[:_PLACES],
        item.probes,
    )


def _verdict(answer: ProbeAnswer, known: Known) -> str:
    away = answer.counted == "no" and answer.id in known.unshipped
    return "unknown" if away else answer.counted


def _best_first(search: _Search, known: Known) -> list[Citation]:
    """The places that a search finds, those first on which most is built."""
    points = known.ground.tree.standing.points
    return sorted(search.find(known.ground.tree), key=lambda place: -points(place.path))


def summed(verdicts: Sequence[str]) -> Answer:
    """One answer for several verdicts: what does not apply counts for nothing, and some are not all."""
    asked = [verdict for verdict in verdicts if verdict != "not_applicable"]
    if not asked:
        return "not applicable"
    if all(verdict == "yes" for verdict in asked):
        return "yes"
    if "yes" in asked:
        return "partly"
    return "unknown" if "unknown" in asked else "no"


def _notes(answers: list[ProbeAnswer], known: Known) -> Iterator[str]:
    for answer in answers:
        ask = known.probes[answer.id].ask
        if answer.counted == "yes" and not answer.evidence:
            yield f"{ask}: {answer.reason.removesuffix('.')}."
        elif answer.counted == "yes":
            yield f"{ask}."
        elif answer.id in known.unshipped and answer.counted == "no":
            yield f"Not shipped: {lowered(ask)}."
        elif answer.counted == "no":
            yield f"Missing: {lowered(ask)} (`{answer.id}`)."
        else:
            yield f"{answer.counted.replace('_', ' ').capitalize()}: {answer.reason.removesuffix('.')}."


def _searched(found: list[tuple[_Search, list[Citation]]]) -> Iterator[str]:
    for search, places in found:
        symbols = list(dict.fromkeys(place.symbol for place in places))
        if symbols:
            yield f"{search.verb} {names(symbols, 2)}."
        else:
            yield f"Missing: nothing {search.verb.lower()} {search.sought}."
