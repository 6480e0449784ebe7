"""An audit of a tree of which a few lines have changed since the last one, without asking any probe.

What no probe can see changes no verdict: other lines for the same code, comments, a statement come or gone that sets a
plain local name to a number, and another number in such a statement or in a call, if no probe knows a piece of the
names in it and none counts the statements around it; in a document, other lines for the same headings, code and links,
and other words of prose, if they name nothing that was found. Everything else is asked anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain

import msgspec

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, ContextIndex, Evidence, ProbeAnswer
from codex_audit.cache.store import Store
from codex_audit.facts.model import Assignment, Call, DocFacts, FileFacts, PythonFacts
from codex_audit.facts.moved_doc import moved_doc
from codex_audit.facts.packed import NotFactsError, unpack
from codex_audit.facts.python.moved import Moved, is_plain, moved
from codex_audit.facts.words import name_pieces
from codex_audit.query.mentions import is_readme, names_of_evidence
from codex_audit.stages.choice import Choice
from codex_audit.stages.remembered import digest
from codex_audit.stages.render import Wording

MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an audit beside its results. ``files`` maps paths to digests, ``shape`` stands for everything
    else that S1 saw, ``read`` maps documents and the Python files that were read closely to the keys of their facts,
    ``names`` are those by which a README can speak of them. ``pieces`` are those of the vocabulary, ``asked`` the
    pairs of lines of each file whose distance a probe wanted to know, ``words`` the words of the probes, and ``choice``
    how the files were chosen, None where all are read."""

    files: dict[str, str]
    shape: bytes
    read: dict[str, bytes]
    names: frozenset[str]
    pieces: frozenset[str]
    asked: dict[str, tuple[tuple[int, int], ...]]
    words: dict[str, Wording]
    choice: Choice | None = None


def shape_of(index: ContextIndex) -> bytes:
    """A digest of the index without the sizes and digests of files."""
    lines = (
        f"{entry.path}\n{entry.path_encoding} {entry.kind} {entry.mode} {entry.binary} {entry.note}"
        for entry in index.files
    )
    return digest(*(line.encode() for line in (index.view, *index.notes, *index.excluded, *lines)))


def load_state(store: Store, results: bytes) -> State | None:
    """The state that goes with ``results``, a key; None where there is none that this version understands."""
    key = _key(results)
    data = store.get([key]).get(key)
    try:
        return msgspec.msgpack.decode(data, type=State) if data is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def save_state(store: Store, results: bytes, state: State) -> None:
    store.put({_key(results): msgspec.msgpack.encode(state)})


def _key(results: bytes) -> bytes:
    return digest(b"state", results)


def edited(state: State, index: ContextIndex) -> tuple[str, ...] | None:
    """The documents and closely read Python files in whose bytes alone ``index`` differs from the last one; None when
    there is another difference, or too many of these."""
    if state.shape != shape_of(index):
        return None
    changed = tuple(entry.path for entry in index.files if state.files.get(entry.path) != entry.sha256)
    fits = 0 < len(changed) <= MOST_FILES and all(path in state.read for path in changed)
    return changed if fits and not _confused(changed, index) else None


def _confused(changed: Iterable[str], index: ContextIndex) -> bool:
    """Whether a sentence that names another file could be read as if it named a changed one: ``my train.py:5``."""
    ends, alone = tuple(changed), tuple(f"/{path}" for path in changed)
    return any(
        entry.path.endswith(ends) and entry.path not in ends and not entry.path.endswith(alone)
        for entry in index.files
    )


def moves(
    state: State,
    raw: CapabilitiesRaw,
    store: Store,
    changed: Collection[str],
    facts_of: Callable[[str], FileFacts],
) -> dict[str, Moved] | None:
    """How each of the ``changed`` files differs for a probe: by where its lines are. None when it could see more.
    ``raw`` are the answers that were given before."""
    old = store.get([state.read[path] for path in changed])
    mentioned, found = _mentions(changed), dict[str, Moved]()
    if any(
        mentioned.search(item.symbol) for item in _evidence(raw)
    ):  # the text of a file, which may be in a sentence
        return None
    for path in changed:
        data = old.get(state.read[path])
        try:
            before = unpack(data) if data is not None else None
        except NotFactsError:
            return None
        after = facts_of(path)
        if before is None or replace(before, python=None, doc=None) != replace(after, python=None, doc=None):
            return None
        how = _moved(state, raw, before, after)
        # These stand where they stood. What stood on a line with one cannot be told from it.
        still = {item.line for item in after.secrets} | {item.line for item in after.unread}
        if how is None or any(how.line(line) != line for line in still):
            return None
        found[path] = how
    return found


def _moved(state: State, raw: CapabilitiesRaw, before: FileFacts, after: FileFacts) -> Moved | None:
    match before, after:
        case FileFacts(python=PythonFacts() as old, doc=None), FileFacts(
            python=PythonFacts() as new, doc=None
        ):
            return _moved_code(state, before.path, old, new)
        case FileFacts(python=None, doc=DocFacts() as told), FileFacts(python=None, doc=DocFacts() as tells):
            if state.asked.get(before.path):
                return None
            names = state.names if is_readme(before.path) else frozenset[str]()
            return moved_doc(told, tells, names.union(*map(names_of_evidence, _evidence(raw))))
        case _:
            return None


def _evidence(raw: CapabilitiesRaw) -> Iterator[Evidence]:
    answers = chain.from_iterable(capability.probes for capability in raw.capabilities)
    return chain.from_iterable((*answer.evidence, *answer.near) for answer in answers)


def _mentions(paths: Iterable[str]) -> re.Pattern[str]:
    """``path:line`` in a sentence, for each of ``paths``."""
    return re.compile(rf"(?<![\w./'\"-])({'|'.join(map(re.escape, paths))}):([0-9]+)")


def _moved_code(state: State, path: str, before: PythonFacts, after: PythonFacts) -> Moved | None:
    functions = {function.name for side in (before, after) for function in side.functions}

    def mute(fact: Assignment | Call) -> bool:
        owners = fact.scope.split(".")
        if not any(".".join(owners[:depth]) in functions for depth in range(1, len(owners) + 1)):
            return False
        if isinstance(fact, Assignment):
            return (
                fact.target.isidentifier() and is_plain(fact.value) and not _speaks(fact.target, state.pieces)
            )
        names = (fact.target, fact.bound, *chain.from_iterable(fact.arguments))
        return not any(_speaks(name, state.pieces) for name in names)

    return moved(before, after, mute, state.asked.get(path, ()))


def _speaks(name: str, pieces: AbstractSet[str]) -> bool:
    """Whether ``name`` has a part that is one of ``pieces`` or begins with one of three letters or more: of
    ``sav(e|ing)`` a probe's text has only the beginning."""
    parts = name_pieces(name)
    return any(part in pieces or any(part[:end] in pieces for end in range(3, len(part))) for part in parts)


def with_moved_lines(raw: CapabilitiesRaw, how: Mapping[str, Moved]) -> CapabilitiesRaw:
    """``raw`` with the lines of evidence, and those in its sentences, where they are now."""
    mentioned = _mentions(how)

    def sentence(text: str) -> str:
        return mentioned.sub(lambda found: f"{found[1]}:{how[found[1]].line(int(found[2]))}", text)

    def line(item: Evidence) -> int:
        return how[item.path].line(item.line) if item.path in how else item.line

    def places(items: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        return tuple(replace(item, line=line(item), why=sentence(item.why)) for item in items)

    def probe(answer: ProbeAnswer) -> ProbeAnswer:
        return replace(
            answer,
            reason=sentence(answer.reason),
            counter=tuple(map(sentence, answer.counter)),
            evidence=places(answer.evidence),
            near=places(answer.near),
        )

    def capability(answers: CapabilityAnswers) -> CapabilityAnswers:
        return replace(answers, probes=tuple(map(probe, answers.probes)))

    return replace(raw, capabilities=tuple(map(capability, raw.capabilities)))
