"""Reading data that does not fit in memory, and keeping what was prepared."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.capabilities.data_words import MODEL_WORD, about_data
from codex_audit.facts.model import Class
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

STREAMS = (
    "numpy.memmap",
    "numpy.lib.format.open_memmap",
    "numpy.core.memmap",
    "webdataset.*",
    "wids.*",
    "streaming.StreamingDataset",
    "streaming.base.StreamingDataset",
    "streaming.Stream",
    "litdata.StreamingDataset",
    "litdata.StreamingDataLoader",
    "litdata.*.StreamingDataset",
    "litdata.CombinedStreamingDataset",
    "lightning.data.StreamingDataset",
    "tensorflow.data.TFRecordDataset",
    "tensorflow.data.TextLineDataset",
    "tensorflow.data.FixedLengthRecordDataset",
    "tensorflow.python_io.tf_record_iterator",
    "tensorflow_datasets.load",
    "tfds.load",
    "grain.*ArrayRecordDataSource",
    "grain.*.ArrayRecordDataSource",
    "array_record.*",
    "lmdb.open",
    "lance.dataset",
    "zarr.open*",
    "tensorstore.open",
    "tiledb.*",
    "tiledbsoma*.*",
    "dask.dataframe.*",
    "dask.array.from_*",
    "h5py.File",
    "pyarrow.memory_map",
    "pyarrow.parquet.ParquetFile().iter_batches",
    "pyarrow.dataset.dataset",
    "pyarrow.ipc.open_stream",
    "datasets.IterableDataset.from_generator",
    "datasets.Dataset.from_generator",
    "datasets.interleave_datasets",
    "torchdata.*",
    "ffcv.loader.Loader",
    "nvidia.dali.*",
    "deeplake.*",
    "ijson.items",
    "annbatch.*",
    "cellxgene_census.*",
    "arrayloaders.*",
)
DISK = frozenset(
    "open read_csv load memmap iter_batches ParquetFile from_url urlopen fsspec_open "
    "iter_lines read_table readline load_dataset get_object File "
    "shards iterdir glob read scan_parquet seek TFRecordDataset read_parquet iter_rows "
    "open_reader islice walk streaming_download".split()
)
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


def streaming(tree: Tree) -> Found:
    return (
        tree.calls(
            *STREAMS,
            where=lambda site: not (last(site.target) == "File" and _writes_hdf(site)),
            why="reads piece by piece with {}",
        )
        | tree.keyword(
            "mmap_mode",
            where=lambda site: site.argument("mmap_mode") != "None",
            why="maps the file of {} into memory",
        )
        | tree.keyword(
            "streaming",
            of=("*.load_dataset",),
            where=lambda site: site.argument("streaming") != "False",
            why="streams with {}",
        )
        | tree.options("streaming", "stream*dataset*", kinds=("flag", "field"))
        | tree.subclasses(
            "torch.utils.data.IterableDataset",
            "torch.utils.data.dataset.IterableDataset",
            "torchdata.*",
            "streaming.*",
            "webdataset.*",
            where=lambda module, cls: _reads_disk(tree, module, cls),
            why="reads piece by piece in an {}",
        )
        | tree.keyword(
            "backed",
            of=("*.read_h5ad", "*.read"),
            where=lambda site: site.argument("backed") not in ("None", "False"),
            why="leaves the data on disk in {}",
        )
        | tree.keyword("chunksize", of=("pandas.read_*",), why="reads in chunks with {}")
        | _mapped_datasets(tree)
        | tree.inherited("data.streaming")
    )


def _writes_hdf(site: Site) -> bool:
    return (site.argument("mode", 1) or "'r'")[1:2] in ("w", "a", "x")


def _reads_disk(tree: Tree, module: Module, cls: Class) -> bool:
    """Whether the methods of a class, or what they call in the tree, read files or another stream."""
    start = {node_of(module, name) for name in module.functions if name.startswith(f"{cls.name}.")}
    reached = tree.index.runs.reached_from(start, 3)
    return any(
        last(call.target) in DISK and node_of(other, call.scope) in reached
        for other in tree.code
        for call in other.facts.calls
    )


def _mapped_datasets(tree: Tree) -> Found:
    """Arrow-backed data sets of ``datasets``: loaded and mapped by the same module."""
    mapping = {
        site.module.path
        for site in tree.call_sites("*.map")
        if site.has("batched", "remove_columns", "num_proc")
    }
    loaded = tree.calls(
        "datasets.load_dataset", "datasets.load_from_disk", why="{} maps Arrow files into memory"
    )
    return loaded.where(lambda item: item.path in mapping, "loaded, but not processed here")


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
        | _mapped_datasets(tree)
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


def _fetches(verb: str) -> bool:
    return verb in DOWNLOADS - {"get", "system", "urlopen"} or verb.startswith(("download", "_download"))
