"""Checks of the records of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.data_words import (
    DATA_SCOPE,
    about_data,
    in_data_file,
    words_of_scope,
)
from codex_audit.facts.model import Handler, Raise
from codex_audit.query.found import Found
from codex_audit.query.modules import Module, Statement
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

RECORD_CHECKERS = (
    "pandera.*",
    "great_expectations.*",
    "tensorflow_data_validation.*",
    "jsonschema.validate",
    "jsonschema.*Validator",
    "pydantic.TypeAdapter",
    "frictionless.*",
    "cerberus.Validator",
    "fastjsonschema.compile",
)
FIELD_TESTS = frozenset(
    "isnull isna isnan isfinite issubset difference verify notnull hasnans duplicated "
    "is_unique nunique all_equal MolFromSmiles validate".split()
)
COLUMN_NAMES = re.compile(
    r"\.(columns|column_names|features|obs_names|var_names|obs|obsm|schema|header"
    r"|fieldnames)(\(\))?$|\.(columns|column_names|features|obs|obsm)\."
)
CHECK_NAME = re.compile(r"_*(validate|check|verify|ensure|assert|sanity_check|is_valid)(_|$)", re.IGNORECASE)
SETTINGS_CHECK = re.compile(
    r"(^|_)(arg|args|arguments|config|cfg|params|options|settings|version|install|available"
    r"|requirements?|url|path|dir|file_?exists)(_|$)",
    re.IGNORECASE,
)
RECORD_WORDS = frozenset(
    {
        "field",
        "fields",
        "row",
        "rows",
        "label",
        "labels",
        "message",
        "messages",
        "prompt",
        "annotation",
        "annotations",
        "batch",
        "smiles",
        "image",
        "images",
    }
)
RECORD_ERRORS = frozenset(
    "ValueError KeyError TypeError AssertionError RuntimeError IndexError SchemaError ValidationError".split()
)
CORRUPT_ERRORS = re.compile(
    r"JSONDecodeError|UnidentifiedImageError|ArrowInvalid|ParserError|UnicodeDecodeError"
    r"|BadZipFile|DataError|ParseError|EOFError|csv\.Error|UnpicklingError|ArrowException"
)
# What a message of a refusal says of records; a setting or a name that is refused is no record.
REFUSES_RECORDS = re.compile(
    r"\b(?:missing|unsupported|invalid|malformed|corrupt(?:ed)?)\b.{0,25}\b(?:columns?|fields?|records?|rows?"
    r"|annotations?|data format)\b"
    r"|\b(?:columns?|fields?|records?|rows?)\b.{0,40}\b(?:not found|missing|required|must have|expected|invalid)\b",
    re.IGNORECASE | re.DOTALL,
)
TRIED = 8
"""Statements of a try block that its handler may stand below."""
HANDLED = 3
"""Statements of a handler among which a raise hands the failure on."""
RECORD_READERS = frozenset(
    "ParquetFile read_parquet read_table iter_batches read_json loads decode "
    "decode_example SDMolSupplier iter_lines readline".split()
)


def validation(tree: Tree) -> Found:
    return (
        tree.calls(*RECORD_CHECKERS, where=_about_data, why="checks records with {}")
        | tree.sites(
            _field_checks(tree),
            "{} refuses bad records",
            ("checks of required fields that raise",),
            "declared",
        )
        | tree.sites(
            _corrupt_handlers(tree),
            "handles records that do not parse ({})",
            ("handling of corrupt records",),
        )
        | tree.keyword(
            "handler",
            of=("webdataset.*",),
            where=lambda site: "reraise" not in site.argument("handler"),
            why="tells {} what to do with a broken sample",
        )
        | tree.inherited("data.validation")
    )


def _about_data(site: Site) -> bool:
    return about_data(site.module.path, site.scope)


def _field_checks(tree: Tree) -> Iterator[Site]:
    for module in tree.code:
        said = _messages(module)
        for item in module.facts.raises:
            if not item.guarded or last(item.exception) not in RECORD_ERRORS or not item.scope:
                continue
            if _checks_records(module, item.scope) or _refuses(module, item, said):
                yield Site(module, last(item.scope), item.line, item.scope)


def _messages(module: Module) -> dict[tuple[str, Statement], str]:
    """What is said where: the parts of messages by scope and statement."""
    said: dict[tuple[str, Statement], str] = {}
    for text in module.facts.texts:
        if text.role == "message":
            key = (text.scope, module.statement(text.line))
            said[key] = f"{said.get(key, '')} {text.text}"
    return said


def _refuses(module: Module, item: Raise, said: dict[tuple[str, Statement], str]) -> bool:
    """A guarded raise in code about data whose message says that a record is not as it must be."""
    message = said.get((item.scope, module.statement(item.line)), "")
    return (
        about_data(module.path, item.scope)
        and REFUSES_RECORDS.search(message) is not None
        and not SETTINGS_CHECK.search(last(item.scope))
    )


def _checks_records(module: Module, scope: str) -> bool:
    """A function that checks data by its name, or looks at columns, fields or values in a module about data."""
    name = last(scope)
    if SETTINGS_CHECK.search(name) or not about_data(module.path, scope) or _of_estimator(module, scope):
        return False
    named = bool(CHECK_NAME.match(name)) and (
        in_data_file(module.path) or bool(words_of_scope(scope) & (DATA_SCOPE | RECORD_WORDS))
    )
    return named or _touches_columns(module, scope)


def _of_estimator(module: Module, scope: str) -> bool:
    """A method of what is fitted to arrays, as in scikit-learn: it checks shapes against its own parameters."""
    owner = scope.rpartition(".")[0]
    return bool(owner) and any(f"{owner}.{verb}" in module.functions for verb in ("fit", "partial_fit"))


def _touches_columns(module: Module, scope: str) -> bool:
    return any(
        item.scope == scope and COLUMN_NAMES.search(item.name) for item in module.facts.references
    ) or any(call.scope == scope and last(call.target) in FIELD_TESTS for call in module.facts.calls)


def _corrupt_handlers(tree: Tree) -> Iterator[Site]:
    for module in tree.code:
        for item in module.facts.handlers:
            caught = next((name for name in item.exceptions if CORRUPT_ERRORS.search(name)), "")
            if item.exceptions and _skips_records(module, item):
                caught = caught or item.exceptions[0]
            if caught and about_data(module.path, item.scope):
                yield Site(module, caught, item.line, item.scope)


def _skips_records(module: Module, item: Handler) -> bool:
    """A broad handler counts around the access to one sample, or around the reading of a record file in a data file."""
    if last(item.scope) == "__getitem__":
        return True
    broad = any(last(name) in ("Exception", "ValueError", "OSError") for name in item.exceptions)
    reads = any(
        call.scope == item.scope
        and call.line < item.line
        and module.apart(call.line, item.line) <= TRIED
        and last(call.target) in RECORD_READERS
        for call in module.facts.calls
    )
    raises = any(
        fact.scope == item.scope and item.line < fact.line and module.apart(item.line, fact.line) <= HANDLED
        for fact in module.facts.raises
    )
    return broad and reads and not raises and in_data_file(module.path)
