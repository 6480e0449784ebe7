"""From a YAML file and overrides to a checked ``Config``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.errors import CodexError, ConversionError, UsageError
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.strict_json import MAX_INTEGER
from codex_train.config.check import check
from codex_train.config.digest import SCHEMA, config_plain
from codex_train.config.documents import read_document
from codex_train.config.fields import PATHS
from codex_train.config.nouns import Config
from codex_train.config.overrides import nested, parse_override
from codex_train.config.paths import base_of, from_here
from codex_train.config.reading import OPTION_NAME, Places, Plain, read_settings

_INTERPOLATION = re.compile(r"(\\*)\$\{")
_NO_LIST = re.compile(r"Invalid value assigned: \w+ is not a ListConfig.*")
_WORDS = {
    "array": "a list",
    "object": "a mapping",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
}
_KINDS = re.compile(f"`({'|'.join(_WORDS)})`")
_WHERE = re.compile(r"^(.*) - at `\$\.?(.*)`$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """``base`` is the folder that paths in ``config`` count from."""

    config: Config
    base: Path


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Loaded:
    """The settings of the YAML file ``path`` (None: the defaults), then of ``overrides`` (``key=value``).

    Raises UnreadableError, and UsageError that names file and line or the override, the setting, and what to write.
    """
    if path is not None and path.is_dir():
        raise UsageError(f"{path} is a folder; give a configuration file, such as {path / 'smoke.yaml'}")
    base = Path(os.path.realpath(os.curdir)) if path is None else base_of(path)
    places: Places = {}
    layers = [read_settings(read_document(path), places)] if path is not None else []
    layers += _read_overrides(overrides, base, places)
    config = _merged(layers, places)
    check(config, places, "" if path is None else str(path))
    if not config.data.files:
        where = places.get("data.files", "")
        problem = "data.files names no file to train on; give one, such as data.files=[corpus.txt]"
        raise UsageError(f"{where}: {problem}" if where else problem)
    return Loaded(config, base)


def override_config(config: Config, overrides: Sequence[str], base: Path) -> Config:
    """``config`` with ``overrides`` in it: what a resume may change. Raises UsageError."""
    places: Places = {}
    changed = _merged([_escaped(to_plain(config)), *_read_overrides(overrides, base, places)], places)
    check(changed, places)
    return changed


def config_from_plain(value: Mapping[str, Any], *, source: str = "config.json") -> Config:
    """The configuration that a run recorded, exactly. Raises UsageError when it is not whole or not valid."""
    if value.get("schema") != SCHEMA:
        raise UsageError(f"{source}: this is no configuration of a run: its schema is not {SCHEMA!r}")
    plain = {key: item for key, item in value.items() if key != "schema"}
    config = _typed(plain, {}, source)
    written = config_plain(config)
    if lacking := _lacking(written, value):
        raise UsageError(f"{source}: {lacking} is missing; another version of codex-train wrote this")
    check(config, source=source)
    return config


def _read_overrides(overrides: Sequence[str], base: Path, places: Places) -> list[Plain]:
    layers = []
    for text in overrides:
        layer = read_settings(nested(parse_override(text)), places)
        _count_from_base(layer, base)
        layers.append(layer)
    return layers


def _count_from_base(layer: Plain, base: Path) -> None:
    """Rewrites the paths in ``layer``, which were given in the current folder."""
    for name in PATHS:
        section, _, key = name.partition(".")
        given = layer.get(section, {}).get(key)
        if isinstance(given, str):
            layer[section][key] = from_here(given, base)
        elif isinstance(given, list):
            layer[section][key] = [from_here(item, base) for item in given]


def _merged(layers: Sequence[Plain], places: Places) -> Config:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    root = OmegaConf.structured(Config)
    for section in (root, *(root[name] for name in root if OmegaConf.is_config(root[name]))):
        OmegaConf.set_readonly(section, False)  # frozen dataclasses make read-only nodes
    try:
        root = OmegaConf.merge(root, *layers)
        plain = OmegaConf.to_container(root, resolve=True, enum_to_str=True)
    except OmegaConfBaseException as error:
        key = re.split(r"\[", str(error.full_key or ""))[0] or _unresolved(root)
        raise _misfit(key, _sentence(error), places) from error
    except RecursionError as error:
        raise UsageError("the settings refer to each other in a circle; look for ${...}") from error
    if not isinstance(plain, dict):
        raise TypeError(f"OmegaConf gave a {type(plain).__name__}")
    return _typed({str(key): value for key, value in plain.items()}, places, "")


def _unresolved(root: Any) -> str:
    """The first setting in ``root`` whose value cannot be had, empty when there is none: not every error of OmegaConf
    says which it is."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for section in root:
        names = list(root[section]) if OmegaConf.is_config(root[section]) else []
        for name in names:
            try:
                OmegaConf.select(root, f"{section}.{name}", throw_on_missing=True)
            except OmegaConfBaseException:
                return f"{section}.{name}"
    return ""


def _typed(plain: Plain, places: Mapping[str, str], source: str) -> Config:
    settled = {key: _settled(value, key, places) for key, value in plain.items()}
    try:
        return from_plain(Config, settled)
    except ConversionError as error:
        message = str(error).removeprefix("Config: ")
        found = _WHERE.match(message)
        key = found[2] if found else ""
        problem = _KINDS.sub(lambda match: _WORDS[match[1]], found[1]) if found else message
        if source:
            raise UsageError(f"{source}: {key + ': ' if key else ''}{problem}") from error
        raise _misfit(re.split(r"\[", key)[0], problem, places) from error


def _settled(value: Any, key: str, places: Mapping[str, str]) -> Any:
    """``value`` as it would come back from canonical JSON, where 1.0 is 1 and keys are sorted: what is trained and what
    is replayed are one."""
    if isinstance(value, dict):
        if strange := next((name for name in value if not re.fullmatch(OPTION_NAME, name)), None):
            raise _misfit(key, f"{strange!a} is no name; use letters, digits, '_', '-' and '.'", places)
        return {name: _settled(value[name], f"{key}.{name}", places) for name in sorted(value)}
    if isinstance(value, list):
        return [_settled(item, key, places) for item in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float | int) and not abs(value) <= MAX_INTEGER:
        raise _misfit(
            key, f"the number {value} is beyond 2**53 - 1 or not finite, and cannot be recorded", places
        )
    return value


def _misfit(key: str, problem: str, places: Mapping[str, str]) -> CodexError:
    parts = key.split(".")
    places_of = (places.get(".".join(parts[:count]), "") for count in range(len(parts), 0, -1))
    place = next(filter(None, places_of), "")
    what = f"{key}: {problem}" if key else problem
    return UsageError(f"{place}: {what}" if place else what)


def _sentence(error: Exception) -> str:
    first = str(error).splitlines()[0].removeprefix("While dereferencing interpolation ")
    return _NO_LIST.sub("this must be a list", first)


def _escaped(value: Any) -> Any:
    """``value`` with every text meaning itself, also one that holds ``${``."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, str):
        return _INTERPOLATION.sub(lambda match: match[1] * 2 + "\\${", value)
    return value


def _lacking(whole: Mapping[str, Any], given: Mapping[str, Any], prefix: str = "") -> str:
    """The dotted name of the first setting of ``whole`` that ``given`` lacks, empty without one."""
    for key, value in whole.items():
        if key not in given:
            return prefix + key
        inside = isinstance(value, dict) and isinstance(given[key], dict)
        if inside and (found := _lacking(value, given[key], f"{prefix}{key}.")):
            return found
    return ""
