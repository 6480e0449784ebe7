"""The reproducibility checklist: twelve items, each answered from verdicts of probes and from what code sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codex_audit.artifacts import ProbeAnswer
from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.tree import Tree
from codex_audit.status.capability_table import lowered
from codex_audit.status.known import Known
from codex_audit.status.model import Answer, Check
from codex_audit.status.words import names

_PLACES = 2
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "WANDB_MODE")
_TOGGLES = frozenset(
    {
        "torch.use_deterministic_algorithms",
        "torch.set_float32_matmul_precision",
        "torch.backends.cudnn.deterministic",
        "torch.backends.cudnn.benchmark",
        "torch.backends.cuda.matmul.allow_tf32",
        "torch.backends.cudnn.allow_tf32",
    }
)
_SETTERS = frozenset({"os.environ.setdefault", "os.putenv"})


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for what no probe asks about; ``sought`` names it."""

    find: Callable[[Tree], Found]
    sought: str
    verb: str = "Sets"


@dataclass(frozen=True, slots=True)
class _Item:
    title: str
    probes: tuple[str, ...]
    searches: tuple[_Search, ...] = ()


def _variable(name: str) -> _Search:
    return _Search(lambda tree: _sets(tree, (name,)), f"`{name}`")


def _offline(tree: Tree) -> Found:
    passed = [
        tree.at(module.file, call.line, "local_files_only", "passes local_files_only", "called")
        for module in tree.code
        for call in module.facts.calls
        if any(argument.name == "local_files_only" for argument in call.arguments)
    ]
    return _sets(tree, _OFFLINE) | Found(evidence=tuple(passed))


def _toggles(tree: Tree) -> Found:
    return Found(
        evidence=tuple(
            tree.at(module.file, item.line, item.target, f"sets {item.target}", "called")
            for module in tree.code
            for item in (*module.facts.assignments, *module.facts.calls)
            if item.target in _TOGGLES
        )
    )


def _sets(tree: Tree, wanted: tuple[str, ...]) -> Found:
    """Environment variables that code sets, and those that pipelines, containers and settings set."""
    pattern = "|".join(map(re.escape, wanted))
    evidence = [
        tree.at(module.file, line, name, f"sets {name}", "called")
        for module in tree.code
        for line, name in _set_by(module, wanted)
    ]
    evidence += [
        tree.at(file, item.line, item.key, f"sets {item.key}", "declared")
        for file, item in tree.setting_items("*", rf".*(?:{pattern})\S*")
    ]
    return Found(evidence=tuple(evidence)) | tree.steps(rf"(?:{pattern})=")


def _set_by(module: Module, wanted: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and name of each variable of ``wanted`` that a module sets for its process."""
    targets = {f"os.environ['{name}']": name for name in wanted}
    for item in module.facts.assignments:
        if item.target in targets:
            yield item.line, targets[item.target]
    for call in module.facts.calls:
        first = call.arguments[0].value.strip("'\"") if call.target in _SETTERS and call.arguments else ""
        if first in wanted:
            yield call.line, first


_ITEMS = (
    _Item("Seeds", ("reproducibility.seed", "reproducibility.seed-all")),
    _Item("Environment", ("reproducibility.environment", "reproducibility.declared-python")),
    _Item("Code version", ("reproducibility.code-version",)),
    _Item("Data version", ("data.manifest",)),
    _Item("Dependency lock", ("reproducibility.pinned",)),
    _Item("Hardware determinism", ("reproducibility.deterministic",)),
    _Item("Result determinism", ("reproducibility.seed-all", "data.shuffle", "checkpointing.resume")),
    _Item("RNG state", ("checkpointing.rng",)),
    _Item("Variables", (), (_variable("PYTHONHASHSEED"), _variable("CUBLAS_WORKSPACE_CONFIG"))),
    _Item("CUDA toggles", (), (_Search(_toggles, "`torch.backends` or a deterministic mode"),)),
    _Item("Artifact digests", ("checkpointing.digest",)),
    _Item(
        "Offline data",
        ("data.cache", "tracking.offline"),
        (_Search(_offline, "an offline variable or `local_files_only`", "Uses"),),
    ),
)


def checklist(known: Known) -> tuple[Check, ...]:
    """Every item in order."""
    return tuple(_check(item, known) for item in _ITEMS)


def _check(item: _Item, known: Known) -> Check:
    answers = [known.answers[probe] for probe in item.probes]
    found = [(search, search.find(known.ground.tree)) for search in item.searches]
    verdicts = [*(answer.counted for answer in answers), *("yes" if one.evidence else "no" for _, one in found)]
    places = [answer.evidence[0] for answer in answers if answer.counted == "yes" and answer.evidence]
    places += [one.evidence[0] for _, one in found if one.evidence]
    cited = dict.fromkeys(known.cite(place) for place in places)
    return Check(
        item.title,
        summed(verdicts),
        (*_notes(answers, known), *_searched(found)),
        tuple(cited)[:_PLACES],
        item.probes,
    )


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
        elif answer.counted == "no":
            yield f"Missing: {lowered(ask)} (`{answer.id}`)."
        else:
            yield f"{answer.counted.replace('_', ' ').capitalize()}: {answer.reason.removesuffix('.')}."


def _searched(found: list[tuple[_Search, Found]]) -> Iterator[str]:
    for search, one in found:
        symbols = list(dict.fromkeys(place.symbol for place in one.evidence))
        if symbols:
            yield f"{search.verb} {names(symbols, 2)}."
        else:
            yield f"Missing: nothing {search.verb.lower()} {search.sought}."
