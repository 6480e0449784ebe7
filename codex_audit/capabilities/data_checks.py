"""The checks behind the data probes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import Class, Handler, Text
from codex_audit.query.found import NOTHING, Found, ordered
from codex_audit.query.modules import Module
from codex_audit.query.options import Option
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

SPLITTERS = (
    "sklearn.model_selection.train_test_split",
    "sklearn.model_selection.*Fold",
    "sklearn.model_selection.*ShuffleSplit",
    "sklearn.cross_validation.*",
    "torch.utils.data.random_split",
    "torch.utils.data.dataset.random_split",
    "*.train_test_split",
    "*.random_split",
    "*.train_val_split",
    "*.train_valid_split",
    "*.train_validation_split",
    "*.split_dataset",
    "astartes.*",
    "torch_geometric.transforms.Random*Split",
    "iterstrat.*",
    "skmultilearn.*",
)
TRAIN_WORD = re.compile(r"train(ing)?")
HELD_OUT_WORD = re.compile(r"val|valid|validation|dev|eval|evaluation|test|heldout|held_out")
TRAIN_FILE = re.compile(r"(^|.*[/_.-])train(ing)?(_?\w+)?[._-].*(bin|json|jsonl|csv|tsv|txt|npy|npz|pt|parquet|pkl|h5|hdf5|lmdb|tfrecord|src|en)\w*$")
HELD_FILE = re.compile(r"(^|.*[/_.-])(val|valid|validation|dev|test|eval)(_?\w+)?[._-].*(bin|json|jsonl|csv|tsv|txt|npy|npz|pt|parquet|pkl|h5|hdf5|lmdb|tfrecord|src|en)\w*$")  # fmt: skip
TRAIN_OPTION = re.compile(r"(data_?)?train(ing)?(_(data|file|files|path|paths|dataset|datasets|dir|set|split|df|urls|ds|dataloader|loader|corpus|samples|bin|manifest|csv|examples))?|data_train")
HELD_OPTION = re.compile(
    r"(data_?)?(val|valid|validation|dev|eval|test)(_(data|file|files|path|paths|dataset|datasets|dir|set|split|df|urls|ds|dataloader|loader|corpus|samples|size|ratio|fraction|percent(age)?|pct|frac|bin"
    r"|manifest|csv|split_fraction|split_ratio|split_size|set_size|examples))|validation_split(_percentage)?|data_val|(val|test|dev|valid)_?(size|ratio|fraction|frac|pct|split)|split_ratio|split_sizes|validation_size"
)
COMMANDS = frozenset({"command", "add_parser", "add_typer", "add_argument", "group", "add_command", "mark"})
SIZE_OPTION = re.compile(r"(val|valid|validation|dev|eval|test)_?(split_?)?(size|ratio|fraction|frac|pct|percent(age)?|proportion|split)|validation_split(_percentage)?|train_size")
SEEDED_GENERATORS = (
    "torch.Generator().manual_seed",
    "torch.Generator.manual_seed",
    "numpy.random.default_rng",
    "numpy.random.RandomState",
    "numpy.random.Generator",
    "numpy.random.PCG64",
    "numpy.random.SeedSequence",
    "random.Random",
)
GLOBAL_SEEDS = (
    "torch.manual_seed",
    "torch.random.manual_seed",
    "numpy.random.seed",
    "random.seed",
    "tensorflow.random.set_seed",
    "tensorflow.set_random_seed",
    "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed",
    "transformers.set_seed",
    "transformers.trainer_utils.set_seed",
    "accelerate.utils.set_seed",
    "*.seed_everything",
    "*.seed_all",
    "*.set_global_seed",
    "*.set_random_seed",
    "*.set_all_seeds",
    "mlx.core.random.seed",
)
SHUFFLERS = (
    "random.shuffle",
    "numpy.random.shuffle",
    "numpy.random.permutation",
    "torch.randperm",
    "torch.utils.data.RandomSampler",
    "torch.utils.data.sampler.RandomSampler",
    "torch.utils.data.WeightedRandomSampler",
    "torch.utils.data.sampler.WeightedRandomSampler",
    "torch.utils.data.SubsetRandomSampler",
    "torch.utils.data.sampler.SubsetRandomSampler",
    "torch.utils.data.random_split",
    "sklearn.utils.shuffle",
)
SEEDED_SHUFFLERS = (
    "jax.random.permutation",
    "jax.random.shuffle",
    "jax.random.choice",
    "*.default_rng().permutation",
    "*.default_rng().shuffle",
    "*.default_rng().choice",
    "*.RandomState().permutation",
    "*.RandomState().shuffle",
    "*.RandomState().choice",
    "random.Random().shuffle",
    "grain.*Shuffle*",
    "torch.utils.data.distributed.DistributedSampler",
    "torch.utils.data.DistributedSampler",
    "litdata.StreamingDataLoader",
)
DRAWS = ("jax.random.randint", "jax.random.choice", "*.default_rng().integers", "*.RandomState().randint", "random.Random().randint",
         "random.Random().randrange", "random.Random().choice", "torch.randint", "numpy.random.randint", "random.randint", "random.randrange")  # fmt: skip
UNSEEDED = ("torch.", "numpy.random.", "random.rand")
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
DISK = frozenset("open read_csv load memmap iter_batches ParquetFile from_url urlopen fsspec_open iter_lines read_table readline load_dataset get_object File "
                 "shards iterdir glob read scan_parquet seek TFRecordDataset read_parquet iter_rows open_reader islice walk streaming_download open_shard".split())  # fmt: skip
EXISTS = frozenset({"exists", "isfile", "is_file", "isdir", "is_dir", "lexists", "glob", "listdir", "getsize", "path_exists", "file_exists"})
READS = frozenset("load read_csv read_parquet read_pickle read_feather read_json load_from_disk from_file read_hdf read_h5ad memmap fromfile load_npz "
                  "load_file open_dataset read_table load_dataset open read_bytes loads".split())  # fmt: skip
WRITES = frozenset("save dump savez savez_compressed to_csv to_parquet to_pickle to_feather to_hdf save_to_disk tofile write_table save_npz write_h5ad to_json "
                   "write writestr save_file dumps write_bytes create_dataset".split())  # fmt: skip
DOWNLOADS = frozenset("urlretrieve urlopen get download download_url download_file wget retrieve download_and_extract_archive _download hf_hub_download "
                      "snapshot_download gdown download_and_extract http_get copyfileobj extractall system download_if_needed maybe_download iter_content".split())  # fmt: skip
DATA_PATH = frozenset(
    "data dataset datasets dataio datamodule datamodules dataloader dataloaders loader loaders corpus corpora preprocess preprocessing preprocessor prepare "
    "preparation reader readers collate collator collators tfrecord tfrecords shard shards sharded featurizer featurizers featurize ingest "
    "ingestion tokenize etl adata anndata batching packing".split()
)
DATA_SCOPE = frozenset(
    "data dataset datasets datamodule dataloader dataloaders corpus record records column columns split splits example examples adata anndata dataframe df "
    "shard shards collator collate samples csv jsonl parquet features".split()
)
MODEL_WORD = re.compile(r"checkpoint|ckpt|weights|pretrained|model_card|optimizer|state_dict|embedding_cache|kv_?cache|params|vocab|hub_|save_model|load_model", re.IGNORECASE)
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
CACHE_OPTIONS = ("overwrite_cache", "cache_data", "cache_dataset", "cache_datasets", "data_cache_dir", "dataset_cache_dir", "dataset_cache", "data_cache", "cached_dataset*",
                 "use_cached_*", "overwrite_cached*", "cache_images", "cache_features", "reprocess_input_data", "load_from_cache_file", "no_cache_data", "cache_samples",
                 "cached_features*", "preprocessed_cache*", "rebuild_cache", "cache_in_memory")  # fmt: skip
RECORD_CHECKERS = ("pandera.*", "great_expectations.*", "tensorflow_data_validation.*", "jsonschema.validate", "jsonschema.*Validator", "pydantic.TypeAdapter",
                   "frictionless.*", "cerberus.Validator", "fastjsonschema.compile")  # fmt: skip
FIELD_TESTS = frozenset("isnull isna isnan isfinite issubset difference verify notnull hasnans duplicated is_unique nunique all_equal MolFromSmiles validate".split())
COLUMN_NAMES = re.compile(r"\.(columns|column_names|features|obs_names|var_names|obs|obsm|schema|header|fieldnames)(\(\))?$|\.(columns|column_names|features|obs|obsm)\.")
CHECK_NAME = re.compile(r"_*(validate|check|verify|ensure|assert|sanity_check|is_valid)(_|$)", re.IGNORECASE)
SETTINGS_CHECK = re.compile(r"(^|_)(arg|args|arguments|config|cfg|params|options|settings|version|install|available|requirements?|url|path|dir|file_?exists)(_|$)", re.IGNORECASE)
RECORD_WORDS = frozenset({"field", "fields", "row", "rows", "label", "labels", "message", "messages", "prompt", "annotation", "annotations", "batch", "smiles", "image", "images"})
RECORD_ERRORS = frozenset("ValueError KeyError TypeError AssertionError RuntimeError IndexError SchemaError ValidationError".split())
CORRUPT_ERRORS = re.compile(r"JSONDecodeError|UnidentifiedImageError|ArrowInvalid|ParserError|UnicodeDecodeError|BadZipFile|DataError|ParseError|EOFError|csv\.Error|UnpicklingError|ArrowException")
RECORD_READERS = frozenset("ParquetFile read_parquet read_table iter_batches read_json loads decode decode_example SDMolSupplier iter_lines readline".split())
HASHES = ("hashlib.md5", "hashlib.sha256", "hashlib.sha1", "hashlib.sha512", "hashlib.blake2b", "hashlib.new", "hashlib.file_digest", "zlib.crc32", "xxhash.*", "*.check_md5", "*.check_integrity",
          "*.md5sum", "*.sha256sum", "*.file_sha256", "*.compute_md5", "*.verify_checksum")  # fmt: skip
HASH_ARGUMENTS = ("known_hash", "md5", "md5_hash", "file_hash", "sha256", "checksum", "expected_hash", "expected_md5", "hash_prefix", "file_md5", "sha1", "md5sum", "sha", "expected_sha256")


def about_data(path: str, scope: str) -> bool:
    """Whether a file or one of the names of a scope speaks of data, by whole words (``load_data`` and ``DataModule`` do,
    ``metadata`` does not)."""
    *folders, name = path.lower().split("/")
    words = set(re.split(r"[_.\W]+", name.rpartition(".")[0])) | {word for folder in folders for word in folder.split("_")}
    return bool(words & DATA_PATH) or bool(words_of_scope(scope) & DATA_SCOPE)


def words_of_scope(scope: str) -> set[str]:
    """The words of a qualified name in snake or camel case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", scope)}


# --- split
def split(tree: Tree) -> Found:
    return (
        tree.calls(*SPLITTERS, why="splits with {}")
        | tree.keyword("validation_split", of=("*.fit", "*Generator", "*.image_dataset_from_directory", "*.text_dataset_from_directory", "*Loader", "*Module", "*Split*"), where=lambda site: site.argument("validation_split") not in ("None", "0", "0.0"), why="splits in {}")
        | tree.keyword("validation_data", "eval_dataset", of=("*.fit", "*Trainer"), where=_given("validation_data", "eval_dataset"), why="separate data for {}")
        | tree.sites(_paired_loaders(tree), "loads both parts ({})", ("train_dataloader and val_dataloader",), "declared")
        | _paired_options(tree)
        | tree.sites(_paired_names(tree), "names the split {!r} beside the training split", ("train and validation split names",))
        | tree.keyword("train", of=("torchvision.datasets.*", "*.datasets.*"), where=lambda site: site.argument("train") == "False", why="loads the held-out part with {}")
    )  # fmt: skip


def _given(*names: str):  # type: ignore[no-untyped-def]
    def given(site: Site) -> bool:
        return any(site.argument(name) not in ("", "None") for name in names)

    return given


def _paired_loaders(tree: Tree) -> Iterator[Site]:
    for module in tree.code:
        for cls in module.facts.classes:
            held = module.functions.get(f"{cls.name}.val_dataloader") or module.functions.get(f"{cls.name}.test_dataloader")
            if f"{cls.name}.train_dataloader" in module.functions and held is not None and not held.stub:
                yield Site(module, "val_dataloader", held.line, held.name)


def _paired_options(tree: Tree) -> Found:
    """A setting for the training data beside one for held-out data, or the size of a split."""
    owners: dict[tuple[str, str, str], set[str]] = {}
    for option in tree.all_options:
        if TRAIN_OPTION.fullmatch(option.name):
            owners.setdefault(_owner(option), set()).add(option.name)
    paired = tree.options(
        "val*", "dev*", "eval*", "test*", "data_val*", "split_ratio", "split_sizes", kinds=("flag", "field", "parameter"),
        where=lambda option: bool(HELD_OPTION.fullmatch(option.name)) and (_owner(option) in owners),
        why="held-out data have a setting of their own",
    )  # fmt: skip
    sizes = tree.options(
        "val*", "dev*", "eval*", "test*", "train_size", kinds=("flag", "field"),
        where=lambda option: bool(SIZE_OPTION.fullmatch(option.name)), why="the size of the held-out part is a setting",
    )  # fmt: skip
    return paired | sizes


def _owner(option: Option) -> tuple[str, str, str]:
    return (option.path, option.kind, "" if option.kind == "flag" else option.scope)


def _paired_names(tree: Tree) -> Iterator[Site]:
    """Names of both splits, or of the files of both, in one function."""
    for module in tree.code:
        if "docs" in module.file.facets:
            continue
        named = [*module.facts.texts, *(Text(item.key, "key", item.line, item.scope) for item in module.facts.items)]
        trained = {text.scope for text in named if _names_split(module, text, TRAIN_WORD, TRAIN_FILE)}
        for text in named:
            if text.scope in trained and _names_split(module, text, HELD_OUT_WORD, HELD_FILE):
                yield Site(module, text.text[:40], text.line, text.scope)


def _names_split(module: Module, text: Text, word: re.Pattern[str], file: re.Pattern[str]) -> bool:
    """The name of a file says it by itself; a word does where it selects, or in code about data."""
    if text.role in ("message", "help", "return", ""):
        return False
    if file.fullmatch(text.text):
        return True
    if not word.fullmatch(text.text.partition("[")[0].partition("+")[0]):
        return False
    if text.role == "argument" and any(call.line == text.line and last(call.target) in COMMANDS for call in module.facts.calls):
        return False
    return text.role in ("subscript", "argument") or about_data(module.path, text.scope) or _takes_a_split(module, text.scope)


def _takes_a_split(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(item.name in ("split", "subset", "partition", "phase", "stage") for item in function.parameters)


# --- shuffle
def shuffle(tree: Tree) -> Found:
    seeds = tree.calls(*GLOBAL_SEEDS, where=_has_argument) | tree.inherited("reproducibility.seed")
    plain = (
        tree.calls(*SHUFFLERS, where=_orders_data, why="shuffles with {} under the seed of the program")
        | tree.keyword("shuffle", of=("*DataLoader", "*Loader", "*.fit", "*Dataset", "*Sampler"), where=_shuffles, why="shuffles in {} under the seed of the program")
    )
    drawn = tree.calls(*DRAWS, where=_draws_order, why="draws the order of samples with {}")
    return (
        (drawn if seeds else drawn.where(lambda item: not item.symbol.startswith(UNSEEDED), "draws an order, but nothing sets a seed"))
        | tree.calls(*SEEDED_SHUFFLERS, where=_orders_data, why="shuffles with the seeded {}")
        | tree.keyword("seed", "random_state", "generator", "rng", of=("*.shuffle", "*Sampler", "*DataLoader", "*random_split", "*train_test_split", "*.permutation", "*.sample",
                       "torch.randperm", "*ShuffleSplit", "*Fold"), where=_seeded, why="seeds {}")
        | tree.keyword("shuffle_seed", "data_seed", "shuffle_key", where=lambda site: last(site.target) != "add_argument", why="seeds {}")
        | tree.subclasses("torch.utils.data.DistributedSampler", "torch.utils.data.distributed.DistributedSampler", why="samples by a seeded {}")
        | (plain if seeds else plain.as_near("shuffles, but nothing sets a seed"))
        | tree.inherited("data.shuffle")
    )  # fmt: skip


def _has_argument(site: Site) -> bool:
    return bool(site.arguments)


def _orders_data(site: Site) -> bool:
    """A sampler orders data wherever it is made; a bare permutation only in code about data or training."""
    if last(site.target).endswith(("Sampler", "random_split", "StreamingDataLoader")) or "grain" in site.target:
        return True
    tensors = site.target.startswith(("keras.random", "tensorflow.random")) or ".random.shuffle" in site.target
    if tensors and not words_of_scope(site.scope) & DATA_SCOPE:
        return site.target.startswith(("random.", "numpy.")) and about_data(site.module.path, site.scope)
    steps = {"train", "training", "epoch", "epochs", "batch", "batches", "fit", "shuffle", "shuffled", "main", "permutation", "reorder"}
    return about_data(site.module.path, site.scope) or bool(words_of_scope(site.scope) & steps) or not site.scope


def _draws_order(site: Site) -> bool:
    """A draw of indices by what makes batches or a shuffle buffer."""
    return bool(words_of_scope(site.scope) & {"batch", "shuffle", "shuffled", "shuffling"})


def _shuffles(site: Site) -> bool:
    return site.argument("shuffle") not in ("False", "None", "0")


def _seeded(site: Site) -> bool:
    return _orders_data(site) and any(site.argument(name) not in ("", "None") for name in ("seed", "random_state", "generator", "rng"))


# --- streaming
def streaming(tree: Tree) -> Found:
    return (
        tree.calls(*STREAMS, where=lambda site: not (last(site.target) == "File" and _writes_hdf(site)), why="reads piece by piece with {}")
        | tree.keyword("mmap_mode", where=lambda site: site.argument("mmap_mode") != "None", why="maps the file of {} into memory")
        | tree.keyword("streaming", of=("*.load_dataset",), where=lambda site: site.argument("streaming") != "False", why="streams with {}")
        | tree.options("streaming", "stream_dataset", "stream_hf_datasets", "streaming_dataset", kinds=("flag", "field"))
        | tree.subclasses("torch.utils.data.IterableDataset", "torch.utils.data.dataset.IterableDataset", "torchdata.*", "streaming.*", "webdataset.*",
                          where=lambda module, cls: reads_disk(tree, module, cls), why="reads piece by piece in an {}")
        | tree.keyword("backed", of=("*.read_h5ad", "*.read"), where=lambda site: site.argument("backed") not in ("None", "False"), why="leaves the data on disk in {}")
        | tree.keyword("chunksize", of=("pandas.read_*",), why="reads in chunks with {}")
        | _mapped_datasets(tree)
        | tree.inherited("data.streaming")
    )  # fmt: skip


def _writes_hdf(site: Site) -> bool:
    return (site.argument("mode", 1) or "'r'")[1:2] in ("w", "a", "x")


def reads_disk(tree: Tree, module: Module, cls: Class) -> bool:
    """Whether the methods of a class, or what they call in the tree, read files or another stream."""
    start = {f"{module.name}.{name}" for name in module.functions if name.startswith(f"{cls.name}.")}
    reached = tree.runs.reached_from(start, 3)
    return any(
        last(call.target) in DISK and f"{other.name}.{call.scope}" in reached
        for other in tree.code
        for call in other.facts.calls
    )


def _mapped_datasets(tree: Tree) -> Found:
    """Arrow-backed data sets of ``datasets``: loaded and mapped by the same module."""
    mapping = {site.module.path for site in tree.call_sites("*.map") if site.has("batched", "remove_columns", "num_proc")}
    loaded = tree.calls("datasets.load_dataset", "datasets.load_from_disk", why="{} maps Arrow files into memory")
    return loaded.where(lambda item: item.path in mapping, "loaded, but not processed here")


# --- cache
def cache(tree: Tree) -> Found:
    return (
        tree.calls(*CACHE_CALLS, why="keeps prepared data with {}")
        | tree.keyword("load_from_cache_file", "cache_file_name", "cache_file_names", why="reuses the cache of {}")
        | tree.keyword("download", of=("torchvision.datasets.*", "*.datasets.*", "ogb.*"), where=lambda site: site.argument("download") != "False", why="keeps the download of {}")
        | tree.calls("tensorflow.*.cache", why="caches with {}")
        | _option_in_use(tree)
        | tree.sites(_reuse(tree), "reads {} when it exists, and writes it otherwise", ("a file that is read if it exists and written if not",))
        | _mapped_datasets(tree)
        | tree.inherited("data.cache")
    )  # fmt: skip


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
            if not about_data(module.path, scope) or MODEL_WORD.search(f"{module.path.rpartition('/')[2]}/{scope}"):
                continue
            verbs = doing[scope]
            if (verbs & READS and verbs & WRITES) or any(_fetches(verb) for verb in verbs):
                yield Site(module, last(scope) or module.path, line, scope)


def _fetches(verb: str) -> bool:
    return verb in DOWNLOADS - {"get", "system", "urlopen"} or verb.startswith(("download", "_download"))


# --- validation
def validation(tree: Tree) -> Found:
    return (
        tree.calls(*RECORD_CHECKERS, where=_about_data, why="checks records with {}")
        | tree.sites(_field_checks(tree), "{} refuses bad records", ("checks of required fields that raise",), "declared")
        | tree.sites(_corrupt_handlers(tree), "handles records that do not parse ({})", ("handling of corrupt records",))
        | tree.keyword("handler", of=("webdataset.*",), where=lambda site: "reraise" not in site.argument("handler"), why="tells {} what to do with a broken sample")
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
    named = bool(CHECK_NAME.match(name)) and (_in_data_file(module.path) or bool(words_of_scope(scope) & (DATA_SCOPE | RECORD_WORDS)))
    return named or _touches_columns(module, scope)


def _in_data_file(path: str) -> bool:
    return bool(set(re.split(r"[_.\W]+", path.rpartition("/")[2].lower())) & DATA_PATH)


def _touches_columns(module: Module, scope: str) -> bool:
    return any(item.scope == scope and COLUMN_NAMES.search(item.name) for item in module.facts.references) or any(
        call.scope == scope and last(call.target) in FIELD_TESTS for call in module.facts.calls
    )


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
    reads = any(call.scope == item.scope and item.line - 15 <= call.line < item.line and last(call.target) in RECORD_READERS for call in module.facts.calls)
    raises = any(fact.scope == item.scope and item.line < fact.line <= item.line + 4 for fact in module.facts.raises)
    return broad and reads and not raises and _in_data_file(module.path)


# --- manifest
def manifest(tree: Tree) -> Found:
    return (
        tree.keyword(*HASH_ARGUMENTS, where=_gives_hash, why="names the expected hash to {}")
        | tree.calls(*HASHES, where=_hashes_data, why="hashes data with {}").where(lambda item: _is_recorded(tree, item), "the hash only names a cache")
        | tree.keyword("revision", of=("*.load_dataset", "datasets.*"), where=lambda site: site.argument("revision") != "None", why="pins the revision of {}")
        | tree.options("dataset_revision", "data_revision", "dataset_version", "data_version", "dataset_sha", kinds=("flag", "field"))
        | tree.calls("mlflow.log_input", "mlflow.data.*", "dvc.api.*", "*.use_artifact", where=_tracks_data, why="records the data with {}")
        | _dvc(tree)
    )  # fmt: skip


def _gives_hash(site: Site) -> bool:
    value = next((site.argument(name) for name in HASH_ARGUMENTS if site.has(name)), "")
    return value not in ("None", "", "True", "False") and not MODEL_WORD.search(site.scope)


def _hashes_data(site: Site) -> bool:
    return about_data(site.module.path, site.scope) and not MODEL_WORD.search(f"{site.module.path}/{site.scope}")


def _is_recorded(tree: Tree, item: Evidence) -> bool:
    """A hash that is compared or kept beside the data, not one that becomes a file name."""
    module = tree.module_at[item.path]
    around = {item.scope} | {scope for scope in module.functions if any(call.scope == scope and last(call.target) == last(item.scope) for call in module.facts.calls)}
    raises = any(fact.scope in around and fact.guarded for fact in module.facts.raises)
    named = re.compile(r"md5|sha(1|256|512)?|checksum|integrity|digest", re.IGNORECASE)
    keyed = any(entry.scope in around and named.search(entry.key) for entry in module.facts.items)
    return raises or keyed or bool(named.search(last(item.scope)))


def _tracks_data(site: Site) -> bool:
    return last(site.target) != "use_artifact" or any("dataset" in item.value or "data" in item.value for item in site.arguments)


def _dvc(tree: Tree) -> Found:
    files = [tree.at(file, 1, file.path, f"{file.path} pins data by hash", "declared") for file in tree.files
             if file.path.endswith(".dvc") and ".dvc/" not in file.path or file.path.rpartition("/")[2] in ("dvc.lock", "dvc.yaml")]  # fmt: skip
    return Found(ordered(files), looked_for=("*.dvc", "dvc.yaml"))


# --- tests
def tests(tree: Tree) -> Found:
    prepared = split(tree) | shuffle(tree) | streaming(tree) | cache(tree) | validation(tree)
    about = Found(evidence=tuple(item for item in prepared.evidence if item.scope and about_data(item.path, item.scope) and not MODEL_WORD.search(f"{item.path}/{item.scope}")))
    return tree.tests_reaching(about | _loaders(tree), why="runs data code", depth=6)


def _loaders(tree: Tree) -> Found:
    if not tree.has_code:
        return NOTHING
    return tree.subclasses("torch.utils.data.*Dataset", "torch.utils.data.*Sampler", "torch.utils.data.*.Sampler", "torch.utils.data.*.Dataset", "*.LightningDataModule",
                           "torch.utils.data.DataLoader", "datasets.*Builder", "keras.utils.Sequence", "tensorflow.keras.utils.Sequence")  # fmt: skip
