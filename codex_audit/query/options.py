"""What a user can set: command-line flags, fields of settings, parameters of public functions, and
keys of configuration files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from codex_audit.facts.model import Call, FileFacts
from codex_audit.query.modules import Module, Modules
from codex_audit.query.patterns import last

Kind = Literal["flag", "field", "parameter", "key"]
# Their attributes are settings: files of them are read at run time, and flags override each one.
_CONFIGS = ("ml_collections.ConfigDict()", "ml_collections.config_dict.ConfigDict()")


@dataclass(frozen=True, slots=True)
class Option:
    """``name`` is lower case with underscores; ``default`` and ``annotation`` are written values, empty if unknown."""

    name: str
    kind: Kind
    path: str
    line: int
    scope: str
    default: str
    annotation: str
    module: Module | None


def normalised(name: str) -> str:
    """``--Max-Grad-Norm`` and ``max_grad_norm`` are one option."""
    return name.lstrip("-").replace("-", "_").lower()


def options_of(modules: Modules, files: Iterable[FileFacts]) -> tuple[Option, ...]:
    """All options in tree order; those of tests, vendored and generated files are left out."""
    found = [option for module in modules.every if module.countable for option in _of_module(module)]
    for file in files:
        if file.settings is not None and "config" in file.facets and not file.facets & {"test", "vendored"}:
            found += [
                Option(
                    normalised(_leaf(item.key)), "key", file.path, item.line, item.key, item.value, "", None
                )
                for item in file.settings.settings
            ]
    return tuple(found)


def _of_module(module: Module) -> Iterator[Option]:
    for call in module.facts.calls:
        for name in _flags(call):
            default = next((item.value for item in call.arguments if item.name == "default"), "")
            kind = next((item.value for item in call.arguments if item.name in ("type", "action")), "")
            yield Option(normalised(name), "flag", module.path, call.line, call.scope, default, kind, module)
    for fact in module.facts.assignments:
        if fact.target.startswith(_CONFIGS) and "()." in fact.target:
            name = normalised(last(fact.target))
            yield Option(name, "field", module.path, fact.line, fact.scope, fact.value, "", module)
    for cls in module.facts.classes:
        for field in cls.fields:
            yield Option(
                normalised(field.name),
                "field",
                module.path,
                field.line,
                cls.name,
                field.default,
                field.annotation,
                module,
            )
    for function in module.facts.functions:
        private = last(function.name).startswith("_") and not last(function.name).startswith("__init__")
        if not private and not function.stub:
            for item in function.parameters:
                yield Option(
                    normalised(item.name),
                    "parameter",
                    module.path,
                    item.line,
                    function.name,
                    item.default,
                    item.annotation,
                    module,
                )


def _flags(call: Call) -> list[str]:
    """The long names that a call declares as command-line options."""
    name = last(call.target)
    strings = [item.value[1:-1] for item in call.arguments if not item.name and item.value[:1] in "'\""]
    if name in ("add_argument", "option", "argument", "Option", "add_option"):
        return [
            text
            for text in strings
            if text.startswith("--") or (name == "add_argument" and text[:1].isalpha())
        ]
    if name.startswith("DEFINE_") and strings:
        return strings[:1]
    return []


def _leaf(key: str) -> str:
    return last(key).partition("[")[0]
