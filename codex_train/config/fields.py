"""The settings that there are: their dotted names and types, and which one a mistyped name meant."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from codex_train.config.nouns import Config

PATHS = ("data.files", "data.cache", "model.path", "tokenizer.path")
"""The settings that name files."""

_LIKE = 0.6


@cache
def settings() -> Mapping[str, Any]:
    """The type of each setting by its dotted name (``optimizer.lr``), in the order of the sections."""
    return MappingProxyType(dict(_settings(Config, "")))


def sections(cls: type) -> dict[str, Any]:
    """The type of each field of the dataclass ``cls``."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def nearest(name: str, known: Collection[str]) -> str:
    """The one of the dotted names ``known`` that ``name`` most likely meant, empty when none is like it.

    A known last part beats a likeness: who writes ``lr`` or ``training.lr`` means ``optimizer.lr``.
    """
    last = name.rpartition(".")[2]
    same = [one for one in known if one.rpartition(".")[2] == last]
    if len(same) == 1:
        return same[0]
    beside = [one for one in known if one.rpartition(".")[0] == name.rpartition(".")[0]]
    for among in (same, beside, list(known)):
        if found := difflib.get_close_matches(name, among, n=1, cutoff=_LIKE):
            return found[0]
    ends = {one.rpartition(".")[2]: one for one in known}
    found = difflib.get_close_matches(last, ends, n=1, cutoff=_LIKE)
    return ends[found[0]] if found else ""


def unknown(name: str) -> str:
    """What is wrong with the dotted ``name``, which is no setting, and what to write instead."""
    meant = nearest(name, [*settings(), *sections(Config)])
    if meant:
        return f"unknown key {name!r}; did you mean {meant!r}?"
    section = name.rpartition(".")[0]
    types = sections(Config)
    below = sections(types[section]) if dataclasses.is_dataclass(types.get(section)) else types
    where = f"{section} has" if below is not types else "there are"
    return f"unknown key {name!r}; {where} {', '.join(below)}"


def _settings(cls: type, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, hint in sections(cls).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _settings(hint, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", hint
