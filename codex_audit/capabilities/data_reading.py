"""Reading data that does not fit in memory."""

from __future__ import annotations

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
    "pyarrow.ipc.open_*",
    "pyarrow.RecordBatch*Reader",
    "pyarrow.ipc.RecordBatch*Reader",
    "polars.scan_*",
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


_STREAM_TYPES = ("IterableDataset", "webdataset.")


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
        | _takes_streams(tree)
        | mapped_datasets(tree)
        | tree.inherited("data.streaming")
    )


def _takes_streams(tree: Tree) -> Found:
    """A maker of loaders that asks whether the data set it was given is a stream, and goes on with it."""
    makers = tree.nodes_calling("*DataLoader")

    def asks(site: Site) -> bool:
        given = site.argument("", 1)
        return (
            any(name in given for name in _STREAM_TYPES)
            and node_of(site.module, site.scope) in makers
            and not _refuses(site)
        )

    return tree.calls("isinstance", where=asks, why="makes loaders of streams too ({})")


def _refuses(site: Site) -> bool:
    """Whether a question is followed at once by a raise."""
    return any(
        item.scope == site.scope and 0 < site.module.apart(site.line, item.line) <= 2
        for item in site.module.facts.raises
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


def mapped_datasets(tree: Tree) -> Found:
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
