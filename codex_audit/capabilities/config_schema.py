"""Settings that are checked against a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.config_commands import is_tooling
from codex_audit.facts.model import Class
from codex_audit.query.found import Found
from codex_audit.query.graph import definition_of, node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

TYPED = (
    "transformers.HfArgumentParser",
    "tyro.cli",
    "tyro.*.cli",
    "jsonargparse.CLI",
    "jsonargparse.auto_cli",
    "jsonargparse.ArgumentParser().add_class_arguments",
    "jsonargparse.ArgumentParser().add_subclass_arguments",
    "jsonargparse.ArgumentParser().add_dataclass_arguments",
    "jsonargparse.ArgumentParser().add_function_arguments",
    "*.cli.LightningCLI",
    "omegaconf.OmegaConf.structured",
    "hydra.core.config_store.ConfigStore.instance().store",
    "hydra.core.config_store.ConfigStore().store",
    "pyrallis.wrap",
    "pyrallis.parse",
    "draccus.wrap",
    "draccus.parse",
    "simple_parsing.parse",
    "simple_parsing.ArgumentParser",
    "chz.entrypoint",
    "chz.nested_entrypoint",
    "dacite.from_dict",
    "cattrs.structure",
    "cattr.structure",
    "tap.tapify",
    "cyclopts.App",
    "cyclopts.run",
    "fiddle.*",
)
SETTINGS_BASES = (
    "pydantic.BaseSettings",
    "pydantic_settings.BaseSettings",
    "pydantic.v1.BaseSettings",
    "tap.Tap",
)
MODEL_BASES = ("pydantic.BaseModel", "pydantic.v1.BaseModel", "msgspec.Struct", "marshmallow.Schema", "chz.*")
VALIDATORS = (
    "jsonschema.validate",
    "jsonschema.*Validator",
    "jsonschema.*Validator().validate",
    "cerberus.Validator",
    "voluptuous.Schema",
    "schema.Schema",
    "pydantic.TypeAdapter",
    "fastjsonschema.compile",
)
SETTINGS_NAME = re.compile(
    r"(config|configuration|settings|args|arguments|options|params|parameters|hparams"
    r"|experiment|recipe|spec|cfg)\d*$",
    re.IGNORECASE,
)
CHECK_FUNCTION = re.compile(
    r"_*(validate|check|verify|sanity_?check)_?\w*(arg|arguments|args|config|cfg|settings"
    r"|options|params|hparams|hyperparameters)(s|_\w+)?",
    re.IGNORECASE,
)
CHECK_METHODS = frozenset(
    "__post_init__ __attrs_post_init__ validate _validate check _check verify validate_config".split()
)

# A file of checks in a folder of settings; its functions are named for what they check.
_CHECKING_FILE = re.compile(
    r"(^|/)(config|configs|configuration|settings|options|workflow)/(check|checks|validate|validation|validators?)\.py$"
)


def schema(tree: Tree) -> Found:
    typed_parameters = tree.calls(*TYPED, why="parses settings into typed fields with {}")
    return (
        typed_parameters.where(
            lambda item: not is_tooling(tree, item), "a tool of development, not of the program"
        )
        | tree.subclasses(*SETTINGS_BASES, why="{} checks the settings")
        | tree.subclasses(*MODEL_BASES, where=_is_settings_class, why="{} checks the settings")
        | tree.calls(*VALIDATORS, where=_about_settings, why="checks settings with {}")
        | tree.classes(
            lambda module, cls: _has_validated_fields(tree, module, cls),
            "{} has validated fields",
            "attrs or pydantic validators",
        )
        | tree.sites(
            _explicit_checks(tree), "{} raises on bad fields", ("a block of checks that raise",), "declared"
        )
        | tree.sites(
            _flags_of_fields(tree), "makes flags of the fields of a dataclass", ("dataclasses.fields",)
        )
        | tree.inherited("config.schema")
    )


def _flags_of_fields(tree: Tree) -> Iterator[Site]:
    """A loop over the fields of a dataclass that declares a flag for each."""
    typed = tree.nodes_calling("dataclasses.fields", "attr.fields", "attrs.fields", "typing.get_type_hints")
    for site in tree.call_sites("*.add_argument"):
        if site.call is not None and site.call.loop and node_of(site.module, site.scope) in typed:
            yield site


def _is_settings_class(module: Module, cls: Class) -> bool:
    return bool(SETTINGS_NAME.search(last(cls.name)))


def _about_settings(site: Site) -> bool:
    return bool(
        re.search(r"config|setting|arg|option|param", f"{site.module.path} {site.scope}", re.IGNORECASE)
    )


def _has_validated_fields(tree: Tree, module: Module, cls: Class) -> bool:
    if not _is_settings_class(module, cls):
        return False
    marks = {tree.modules.canonical(mark, module) for mark in cls.decorators}
    if marks & {"pydantic.dataclasses.dataclass"}:
        return True
    return any(
        call.scope == cls.name and any(item.name in ("validator", "validate") for item in call.arguments)
        for call in module.facts.calls
    )


def _explicit_checks(tree: Tree) -> Iterator[Site]:
    """Functions that check settings and raise in at least two guarded places."""
    for module in tree.code:
        raising: dict[str, list[int]] = {}
        for item in module.facts.raises:
            if item.guarded and last(item.exception) not in (
                "ImportError",
                "ModuleNotFoundError",
                "NotImplementedError",
            ):
                raising.setdefault(item.scope, []).append(item.line)
        for call in module.facts.calls:
            refuses = call.target.endswith(("ArgumentParser().error", ".parser.error", "click.BadParameter"))
            if refuses or _never_returns(tree, module, call.target):
                raising.setdefault(call.scope, []).append(call.line)
        blocks = {scope: lines for scope, lines in raising.items() if _checks_settings(module, scope)}
        if sum(len(lines) for lines in blocks.values()) >= 2:
            for scope, lines in blocks.items():
                yield Site(module, last(scope), lines[0], scope)


def _never_returns(tree: Tree, module: Module, target: str) -> bool:
    """A function of the tree that is declared to raise always: calling it is raising."""
    owner, rest = tree.modules.split(definition_of(tree.modules.canonical(target, module), tree.modules))
    function = owner.functions.get(rest) if owner is not None else None
    return function is not None and last(function.returns) in ("NoReturn", "Never")


def _checks_settings(module: Module, scope: str) -> bool:
    if _CHECKING_FILE.search(module.path):
        return True
    owner, _, name = scope.rpartition(".")
    if owner in module.classes:
        return bool(SETTINGS_NAME.search(last(owner))) and (
            name in CHECK_METHODS or name.startswith(("_validate", "validate_", "_check"))
        )
    return bool(CHECK_FUNCTION.fullmatch(name))
