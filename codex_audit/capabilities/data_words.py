"""Whether code is about data, by the words of its file and its names."""

from __future__ import annotations

import re

DATA_PATH = frozenset(
    "data dataset datasets dataio datamodule datamodules dataloader dataloaders loader "
    "loaders corpus corpora preprocess preprocessing preprocessor prepare "
    "preparation reader readers collate collator collators tfrecord tfrecords shard "
    "shards sharded featurizer featurizers featurize ingest "
    "ingestion tokenize etl adata anndata batching packing sampler samplers".split()
)
DATA_SCOPE = frozenset(
    "data dataset datasets datamodule dataloader dataloaders corpus record records column "
    "columns split splits example examples adata anndata dataframe df "
    "shard shards collator collate samples csv jsonl parquet features sampler samplers".split()
)
MODEL_WORD = re.compile(
    r"checkpoint|ckpt|weights|pretrained|model_card|optimizer|state_dict|embedding_cache"
    r"|kv_?cache|params|vocab|hub_|save_model|load_model",
    re.IGNORECASE,
)


def about_data(path: str, scope: str) -> bool:
    """Whether a file or a name of a scope speaks of data, by whole words: ``load_data`` does, ``metadata`` does not."""
    *folders, name = path.lower().split("/")
    words = set(re.split(r"[_.\W]+", name.rpartition(".")[0])) | {
        word for folder in folders for word in folder.split("_")
    }
    return bool(words & DATA_PATH) or bool(words_of_scope(scope) & DATA_SCOPE)


def words_of_scope(scope: str) -> set[str]:
    """The words of a qualified name in snake or camel case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", scope)}


def in_data_file(path: str) -> bool:
    """Whether the name of the file itself speaks of data."""
    return bool(set(re.split(r"[_.\W]+", path.rpartition("/")[2].lower())) & DATA_PATH)
