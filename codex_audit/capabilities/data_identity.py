"""The identity of the data: checksums, pinned versions, manifests."""

from __future__ import annotations

import re

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.data_words import MODEL_WORD, about_data
from codex_audit.query.found import Found, ordered
from codex_audit.query.graph import definition_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.project import says_nothing
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

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
_HASHED = (
    "doc docs document data dataset record records sample samples example input inputs file files split shard corpus"
).split()
_HASH_KEYS = tuple(
    f"{what}_{how}" for what in _HASHED for how in ("hash", "hashes", "sha256", "md5", "digest", "checksum")
)


def manifest(tree: Tree) -> Found:
    return (
        tree.keyword(*HASH_ARGUMENTS, where=_gives_hash, why="names the expected hash to {}")
        | tree.calls(*HASHES, where=_hashes_data, why="hashes data with {}").where(
            lambda item: _is_recorded(tree, item), "the hash only names a cache"
        )
        | _keyed_hashes(tree)
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


def _keyed_hashes(tree: Tree) -> Found:
    """``"doc_hash": digest(record)``: under a name that says so, by a hash function or a helper that calls one."""
    makers = tree.nodes_calling(*HASHES)

    def made(module: Module, scope: str, value: str) -> bool:
        name = tree.modules.canonical(value, module).partition("()")[0]
        return value.endswith(")") and (
            name.startswith("hashlib.") or definition_of(name, tree.modules) in makers
        )

    return tree.items(*_HASH_KEYS, where=made, why="records a hash of the data under {!r}")


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
        if not says_nothing(file)
        and (
            (file.path.endswith(".dvc") and ".dvc/" not in file.path)
            or file.path.rpartition("/")[2] in ("dvc.lock", "dvc.yaml")
        )
    ]
    return Found(ordered(files), looked_for=("*.dvc", "dvc.yaml"))
