"""The JSON Schema (2020-12) of a recorded configuration, made from the nouns and their tables.

python -m codex_train.config.schema > schemas/run_config.schema.json
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import typing
from enum import Enum
from typing import Any

from codex_evidence.strict_json import MAX_INTEGER
from codex_train.config import nouns
from codex_train.config.check import BOUNDS, CHOICES, PATTERNS
from codex_train.config.digest import SCHEMA
from codex_train.config.fields import sections
from codex_train.config.nouns import Config
from codex_train.config.reading import OPTION_NAME

_VALUE = {"title": "Value", "description": "An argument of the architecture's configuration."}


def run_config_schema() -> dict[str, Any]:
    """The schema. No object is open but ``model.options``, whose names are the architecture's."""
    kind = {"title": "Schema", "description": "What this document is and which version of its form it has."}
    fields = {"schema": {**kind, "const": SCHEMA}, **_properties(Config, "", explanations())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:codex-train:schema:run_config:v1",
        "title": "Configuration of a run",
        "description": "Every setting of a training run, resolved. The SHA-256 of its canonical bytes names it.",
        **_object(fields),
    }


def schema_text() -> str:
    """The schema in the layout of its file."""
    return json.dumps(run_config_schema(), indent=2, ensure_ascii=False) + "\n"


def explanations() -> dict[str, str]:
    """The text under each field of the nouns, by class and field (``RunConfig.steps``), and under each class."""
    found: dict[str, str] = {}
    for cls in ast.parse(inspect.getsource(nouns)).body:
        if isinstance(cls, ast.ClassDef):
            found[cls.name] = _one_line(ast.get_docstring(cls) or "")
            for field, text in zip(cls.body, [*cls.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    found[f"{cls.name}.{field.target.id}"] = _text_of(text)
    return found


def _text_of(node: ast.stmt | None) -> str:
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ):
        return _one_line(node.value.value)
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _properties(cls: type, prefix: str, texts: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, hint in sections(cls).items():
        words = {"title": name.replace("_", " ").capitalize(), "description": texts[f"{cls.__name__}.{name}"]}
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            text = texts[hint.__name__] or f"The settings of {name}."
            body = _object(_properties(hint, f"{name}.", texts))
            found[name] = {**words, "description": words["description"] or text, **body}
        else:
            found[name] = {**words, **_type(hint, prefix + name)}
    return found


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _type(hint: Any, key: str) -> dict[str, Any]:
    if typing.get_origin(hint) is list:
        return {"type": "array", "items": _type(typing.get_args(hint)[0], key)}
    if typing.get_origin(hint) is dict:
        return {"type": "object", "patternProperties": {OPTION_NAME: _VALUE}, "additionalProperties": False}
    if issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    if hint is bool:
        return {"type": "boolean"}
    if hint is str:
        return _text(key)
    return {"type": "integer" if hint is int else "number", **_bounds(key)}


def _text(key: str) -> dict[str, Any]:
    if key in CHOICES:
        return {"enum": list(CHOICES[key])}
    return {"type": "string", "pattern": PATTERNS[key][0]} if key in PATTERNS else {"type": "string"}


def _bounds(key: str) -> dict[str, Any]:
    bounds = BOUNDS[key]
    low = "exclusiveMinimum" if bounds.above else "minimum"
    high = "exclusiveMaximum" if bounds.below else "maximum"
    return {low: _whole(bounds.low), high: _whole(min(bounds.high, MAX_INTEGER))}


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


if __name__ == "__main__":
    print(schema_text(), end="")
