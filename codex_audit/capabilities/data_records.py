"""Checks of records, and the identity of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.data_words import (
    DATA_SCOPE,
    MODEL_WORD,
    about_data,
    in_data_file,
    words_of_scope,
)
from codex_audit.facts.model import Handler
from codex_audit.query.found import Found, ordered
from codex_audit.query.modules import Module
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
RECORD_READERS = frozenset(
    "ParquetFile read_parquet read_table iter_batches read_json loads decode "
    "decode_example SDMolSupplier iter_lines readline".split()
)
HASHES = (
    "hashlib.md5",
    "hashlib.sha256",
    "hashlib.sha1",
    "hashlib.sha512",
    "hashlib.blake2b",
    "hashlib.new",
    "hashlib.file_digest",
    "zlib.crc32",
    "xxhash.*",
    "*.check_md5",
    "*.check_integrity",
    "*.md5sum",
    "*.sha256sum",
    "*.file_sha256",
    "*.compute_md5",
    "*.verify_checksum",
)
HASH_ARGUMENTS = (
    "known_hash",
    "md5",
    "md5_hash",
    "file_hash",
    "sha256",
    "checksum",
    "expected_hash",
    "expected_md5",
    "hash_prefix",
    "file_md5",
    "sha1",
    "md5sum",
    "sha",
    "expected_sha256",
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
        for item in module.facts.raises:
            if not item.guarded or last(item.exception) not in RECORD_ERRORS or not item.scope:
                continue
            if _checks_records(module, item.scope):
                yield Site(module, last(item.scope), item.line, item.scope)


def _checks_records(module: Module, scope: str) -> bool:
    """A function that checks data by its name, or looks at columns, fields or values in a module about data."""
    name = last(scope)
    if SETTINGS_CHECK.search(name) or not about_data(module.path, scope):
        return False
    named = bool(CHECK_NAME.match(name)) and (
        in_data_file(module.path) or bool(words_of_scope(scope) & (DATA_SCOPE | RECORD_WORDS))
    )
    return named or _touches_columns(module, scope)


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
        and item.line - 15 <= call.line < item.line
        and last(call.target) in RECORD_READERS
        for call in module.facts.calls
    )
    raises = any(
        fact.scope == item.scope and item.line < fact.line <= item.line + 4 for fact in module.facts.raises
    )
    return broad and reads and not raises and in_data_file(module.path)


def manifest(tree: Tree) -> Found:
    return (
        tree.keyword(*HASH_ARGUMENTS, where=_gives_hash, why="names the expected hash to {}")
        | tree.calls(*HASHES, where=_hashes_data, why="hashes data with {}").where(
            lambda item: _is_recorded(tree, item), "the hash only names a cache"
        )
        | tree.keyword(
            "revision",
            of=("*.load_dataset", "datasets.*"),
            where=lambda site: site.argument("revision") != "None",
            why="pins the revision of {}",
        )
        | tree.options(
            "dataset_revision",
            "data_revision",
            "dataset_version",
            "data_version",
            "dataset_sha",
            kinds=("flag", "field"),
        )
        | tree.calls(
            "mlflow.log_input",
            "mlflow.data.*",
            "dvc.api.*",
            "*.use_artifact",
            where=_tracks_data,
            why="records the data with {}",
        )
        | _dvc(tree)
    )


def _gives_hash(site: Site) -> bool:
    value = next((site.argument(name) for name in HASH_ARGUMENTS if site.has(name)), "")
    return value not in ("None", "", "True", "False") and not MODEL_WORD.search(site.scope)


def _hashes_data(site: Site) -> bool:
    return about_data(site.module.path, site.scope) and not MODEL_WORD.search(
        f"{site.module.path}/{site.scope}"
    )


def _is_recorded(tree: Tree, item: Evidence) -> bool:
    """A hash that is compared or kept beside the data, not one that becomes a file name."""
    module = tree.module_at[item.path]
    around = {item.scope} | {
        scope
        for scope in module.functions
        if any(call.scope == scope and last(call.target) == last(item.scope) for call in module.facts.calls)
    }
    raises = any(fact.scope in around and fact.guarded for fact in module.facts.raises)
    named = re.compile(r"md5|sha(1|256|512)?|checksum|integrity|digest", re.IGNORECASE)
    keyed = any(entry.scope in around and named.search(entry.key) for entry in module.facts.items)
    return raises or keyed or bool(named.search(last(item.scope)))


def _tracks_data(site: Site) -> bool:
    return last(site.target) != "use_artifact" or any(
        "dataset" in item.value or "data" in item.value for item in site.arguments
    )


def _dvc(tree: Tree) -> Found:
    files = [
        tree.at(file, 1, file.path, f"{file.path} pins data by hash", "declared")
        for file in tree.files
        if (file.path.endswith(".dvc") and ".dvc/" not in file.path)
        or file.path.rpartition("/")[2] in ("dvc.lock", "dvc.yaml")
    ]
    return Found(ordered(files), looked_for=("*.dvc", "dvc.yaml"))
