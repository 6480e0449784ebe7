"""Keeping what was prepared of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.data_reading import mapped_datasets
from codex_audit.capabilities.data_words import MODEL_WORD, about_data, words_of_scope
from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

EXISTS = frozenset(
    {
        "exists",
        "isfile",
        "is_file",
        "isdir",
        "is_dir",
        "lexists",
        "glob",
        "listdir",
        "getsize",
        "path_exists",
        "file_exists",
    }
)
READS = frozenset(
    "load read_csv read_parquet read_pickle read_feather read_json load_from_disk "
    "from_file read_hdf read_h5ad memmap fromfile load_npz "
    "load_file open_dataset read_table load_dataset open read_bytes loads".split()
)
WRITES = frozenset(
    "save dump savez savez_compressed to_csv to_parquet to_pickle to_feather to_hdf "
    "save_to_disk tofile write_table save_npz write_h5ad to_json "
    "write writestr save_file dumps write_bytes create_dataset".split()
)
DOWNLOADS = frozenset(
    "urlretrieve urlopen get download download_url download_file wget retrieve "
    "download_and_extract_archive _download hf_hub_download "
    "snapshot_download gdown download_and_extract http_get copyfileobj extractall system "
    "download_if_needed maybe_download iter_content".split()
)
CACHE_CALLS = (
    "datasets.load_from_disk",
    "datasets.Dataset.load_from_disk",
    "datasets.DatasetDict.load_from_disk",
    "datasets.Dataset.from_file",
    "datasets.load_dataset().map",
    "datasets.load_dataset().filter",
    "*.save_to_disk",
    "joblib.Memory",
    "diskcache.Cache",
    "litdata.optimize",
    "litdata.map",
    "webdataset.ShardWriter",
    "webdataset.TarWriter",
    "streaming.MDSWriter",
    "tensorflow.io.TFRecordWriter",
    "tensorflow.python_io.TFRecordWriter",
    "*.tofile",
    "pooch.retrieve",
    "pooch.create",
    "keras.utils.get_file",
    "tensorflow.keras.utils.get_file",
    "tensorflow_datasets.load",
    "tensorflow_datasets.builder",
    "torchtext.datasets.*",
    "torchaudio.datasets.*",
    "sklearn.datasets.fetch_*",
    "ffcv.writer.DatasetWriter",
)
CACHE_OPTIONS = (
    "overwrite_cache",
    "cache_data",
    "cache_dataset",
    "cache_datasets",
    "data_cache_dir",
    "dataset_cache_dir",
    "dataset_cache",
    "data_cache",
    "cached_dataset*",
    "use_cached_*",
    "overwrite_cached*",
    "cache_images",
    "cache_features",
    "load_from_cache_file",
    "no_cache_data",
    "cache_samples",
    "cached_features*",
    "preprocessed_cache*",
    "rebuild_cache",
    "cache_in_memory",
)


_WRITERS = ("numpy.save", "numpy.savez*", "torch.save", "pickle.dump", "*.to_parquet", "*.to_pickle")
_READERS = ("numpy.load", "numpy.memmap", "numpy.fromfile", "torch.load", "pickle.load", "pandas.read_*")
_PREPARES = frozenset(
    "prepare prepared preprocess preprocessed encode tokenize process featurize build cache dump".split()
)
_SUFFIX = re.compile(r"(\.(?:npz|npy|bin|pt|pth|pkl|pickle|parquet))$")


def cache(tree: Tree) -> Found:
    return (
        tree.calls(*CACHE_CALLS, why="keeps prepared data with {}")
        | tree.keyword(
            "load_from_cache_file", "cache_file_name", "cache_file_names", why="reuses the cache of {}"
        )
        | tree.keyword(
            "download",
            of=("torchvision.datasets.*", "*.datasets.*", "ogb.*"),
            where=lambda site: site.argument("download") != "False",
            why="keeps the download of {}",
        )
        | tree.calls("tensorflow.*.cache", why="caches with {}")
        | _option_in_use(tree)
        | tree.sites(
            _reuse(tree),
            "reads {} when it exists, and writes it otherwise",
            ("a file that is read if it exists and written if not",),
        )
        | tree.sites(
            _cache_classes(tree),
            "{} reads what it kept when it exists, and writes it otherwise",
            ("a class that keeps what it prepared",),
            "declared",
        )
        | tree.sites(
            _prepared(tree),
            "{} writes prepared data that a loader reads",
            ("a writer and a reader of one kind of file",),
        )
        | mapped_datasets(tree)
        | tree.inherited("data.cache")
    )


def _option_in_use(tree: Tree) -> Found:
    named = tree.options(*CACHE_OPTIONS, kinds=("flag", "field", "parameter"), why="")
    switch = tree.options("no_cache", "use_cache", kinds=("flag",)).where(
        lambda item: about_data(item.path, "") or _module_loads_data(tree, item.path), "no cache of data"
    )
    return named | switch


def _module_loads_data(tree: Tree, path: str) -> bool:
    return any("Dataset" in name for name in (item.name for item in tree.module_at[path].facts.references))


def _reuse(tree: Tree) -> Iterator[Site]:
    """Functions about data that test for a file, read it, and write it or fetch it otherwise."""
    for module in tree.code:
        doing: dict[str, set[str]] = {}
        lines: dict[str, int] = {}
        for call in module.facts.calls:
            name = last(call.target)
            doing.setdefault(call.scope, set()).add(name)
            if name in EXISTS:
                lines.setdefault(call.scope, call.line)
        for scope, line in lines.items():
            if not about_data(module.path, scope) or MODEL_WORD.search(
                f"{module.path.rpartition('/')[2]}/{scope}"
            ):
                continue
            verbs = doing[scope]
            if (verbs & READS and verbs & WRITES) or any(_fetches(verb) for verb in verbs):
                yield Site(module, last(scope) or module.path, line, scope)


def _cache_classes(tree: Tree) -> Iterator[Site]:
    """Classes about data, named after a cache, whose methods test for a file, read it and write it between them."""
    for module in tree.code:
        named = {
            cls.name: cls for cls in module.facts.classes if {"cache", "cached"} & words_of_scope(cls.name)
        }
        doing: dict[str, set[str]] = {name: set() for name in named}
        for call in module.facts.calls if named else ():
            owner = call.scope.rpartition(".")[0]
            if owner in doing:
                doing[owner].add(last(call.target))
        for name, verbs in doing.items():
            about = about_data(module.path, name) and not MODEL_WORD.search(name)
            if about and verbs & EXISTS and verbs & READS and verbs & WRITES:
                yield Site(module, name, named[name].line, name)


def _prepared(tree: Tree) -> Iterator[Site]:
    """Functions that write prepared data to a kind of file that another function about data reads."""
    writers: list[tuple[Site, frozenset[str]]] = []
    for site in tree.call_sites(*_WRITERS):
        if words_of_scope(site.scope) & _PREPARES and _of_data(site):
            writers.append((site, _suffixes(site)))
    wanted = {suffix for _, suffixes in writers for suffix in suffixes}
    read: dict[str, set[str]] = {}
    for site in tree.call_sites(*_READERS) if wanted else ():
        if _of_data(site) and not tree.why_not(site):
            for suffix in _suffixes(site) & wanted:
                read.setdefault(suffix, set()).add(site.symbol)
    for site, suffixes in writers:
        if any(read.get(suffix, set()) - {site.symbol} for suffix in suffixes):
            yield Site(site.module, last(site.scope), site.line, site.scope)


def _of_data(site: Site) -> bool:
    return about_data(site.module.path, site.scope) and not MODEL_WORD.search(site.scope)


def _suffixes(site: Site) -> frozenset[str]:
    """The kinds of files that the function around a call names, in its body or as the default of a parameter."""
    function = site.module.functions.get(site.scope)
    texts = [text.text for text in site.module.facts.texts if text.scope == site.scope]
    texts += [item.default.strip("'\"") for item in function.parameters] if function is not None else []
    return frozenset(found[1] for text in texts if (found := _SUFFIX.search(text)))


def _fetches(verb: str) -> bool:
    return verb in DOWNLOADS - {"get", "system", "urlopen"} or verb.startswith(("download", "_download"))
