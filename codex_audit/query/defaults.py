"""What well-known libraries do by default, as data: ``libraries.toml`` says which calls drive a library, which base
classes inherit its settings, and which probes that answers, each with its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Rule:
    """One library default: ``drives`` are call patterns, ``bases`` class patterns."""

    probe: str
    drives: tuple[str, ...]
    bases: tuple[str, ...]
    why: str
    source: str


@dataclass(frozen=True)
class Defaults:
    rules: tuple[Rule, ...]

    @cached_property
    def _by_probe(self) -> dict[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.probe, []).append(rule)
        return {probe: tuple(rules) for probe, rules in found.items()}

    def rules_for(self, probe: str) -> tuple[Rule, ...]:
        return self._by_probe.get(probe, ())


def defaults_bytes() -> bytes:
    """The file itself; it is an input of the chain."""
    return files("codex_audit.query").joinpath("libraries.toml").read_bytes()


def load_defaults() -> Defaults:
    """The table that travels in the package."""
    document = tomllib.loads(defaults_bytes().decode("utf-8"))
    rules = []
    for library in document["library"]:
        drives, bases = tuple(library.get("drives", ())), tuple(library.get("bases", ()))
        for given in library["gives"]:
            rules.append(
                Rule(
                    probe=given["probe"],
                    drives=tuple(given["drives"]) if "drives" in given else drives,
                    bases=tuple(given["bases"]) if "bases" in given else bases,
                    why=given["why"],
                    source=given["source"],
                )
            )
    return Defaults(tuple(rules))
