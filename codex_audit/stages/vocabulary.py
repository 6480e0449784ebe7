"""The words that probes look for, read off the probes' own source, so that no second list can fall behind it.

Every string constant without white space in the rooms of a capability, every word of one that is split, every string
that a room makes of others, and every name in the table of libraries may be a name, a pattern of names or a regular
expression that a probe looks for. What else is among them (an id, an adverb) costs a little reading and changes no
answer.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from types import ModuleType

from codex_audit.capabilities.model import Capability
from codex_audit.facts.words import name_pieces, word_parts
from codex_audit.query.defaults import defaults_bytes
from codex_audit.query.tree import SETTINGS_PARSERS

Wanted = frozenset[str]
"""Words and parts of words that a file must all have to matter: see ``codex_audit.facts.words``."""

_PIECE = re.compile(r"[A-Za-z_]{4,}")
_EXPRESSION = re.compile(r"[\\|()?+^$]")
_ESCAPE = re.compile(r"\\[A-Za-z]")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Vocabulary:
    """``groups`` holds what each capability looks for; a file that has all words of one entry may hold evidence.
    ``pieces`` are the parts, in lower case, of all that stands in the rooms' strings, sentences and the insides of
    expressions too: a name may mean something to a probe only if it has, or begins with, one of them."""

    groups: dict[str, tuple[Wanted, ...]]
    pieces: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(word for wanted in self.groups.values() for entry in wanted for word in entry)


def load_vocabulary(capabilities: Iterable[Capability]) -> Vocabulary:
    """The vocabulary of these capabilities; the rooms of ``data`` are ``data.py`` and ``data_*.py``."""
    found: dict[str, set[Wanted]] = {capability.id: set() for capability in capabilities}
    pieces: set[str] = set()
    for file in files("codex_audit.capabilities").iterdir():
        capability = file.name.removesuffix(".py").partition("_")[0]
        if capability in found and file.name.endswith(".py"):
            module = import_module(f"codex_audit.capabilities.{file.name.removesuffix('.py')}")
            texts = {*_constants(file.read_bytes()), *_made(module)}
            found[capability] |= {wanted for text in texts for wanted in entries(text)}
            pieces.update(piece for text in texts for piece in name_pieces(_ESCAPE.sub(" ", text)))
    for capability in found:
        found[capability] |= {wanted for text in SETTINGS_PARSERS for wanted in entries(text)}
    for library in tomllib.loads(defaults_bytes().decode("utf-8"))["library"]:
        names = [*library.get("drives", ()), *library.get("bases", ())]
        for given in library["gives"]:
            patterns = (*names, *given.get("drives", ()), *given.get("bases", ()))
            capability = given["probe"].partition(".")[0]
            if capability in found:
                found[capability] |= {wanted for text in patterns for wanted in entries(text)}
    groups = {name: tuple(sorted(wanted, key=sorted)) for name, wanted in found.items()}
    words = (word for wanted in groups.values() for entry in wanted for word in entry)
    return Vocabulary(groups, frozenset(pieces.union(*map(name_pieces, words))))


def entries(text: str) -> Iterator[Wanted]:
    """What ``text`` asks of a file, if it is a name (``torch.save``, ``--max-grad-norm``), a pattern of names
    (``*.save_pretrained``) or a regular expression, whose words are alternatives."""
    if not text or re.search(r"[\s/]", text):
        return
    plain = text.replace("()", "").lstrip("-")
    if _EXPRESSION.search(plain):
        wanted = [word_parts(piece) for piece in _PIECE.findall(plain)]
    else:
        wanted = [frozenset(word for segment in plain.split(".") for word in _segment(segment))]
    yield from (entry for entry in wanted if entry)


def _segment(segment: str) -> frozenset[str]:
    """A whole identifier stands for itself; of an option or a pattern any spelling of its parts will do."""
    spelled_one_way = _IDENTIFIER.fullmatch(segment) and not ("_" in segment.strip("_") and segment.islower())
    return frozenset({segment}) if spelled_one_way else word_parts(segment)


def _constants(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str() as text):
                yield text
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="split"), args=[]):
                yield from text.split()


def _made(module: ModuleType) -> Iterator[str]:
    """The strings in the tuples and sets of a module."""
    for value in vars(module).values():
        if isinstance(value, tuple | frozenset):
            yield from (item for item in value if isinstance(item, str))
