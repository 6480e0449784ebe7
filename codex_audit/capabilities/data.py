"""Data handling: how data are split, ordered, read, kept, checked and identified."""

from __future__ import annotations

from codex_audit.capabilities import (
    data_cache,
    data_identity,
    data_order,
    data_reading,
    data_records,
    data_splits,
    data_tested,
)
from codex_audit.capabilities.model import Capability, Probe, Remedy

_ML_TEST_SCORE = "https://research.google/pubs/pub46555/"
_REFORMS = "https://reforms.cs.princeton.edu/"
_RANDOMNESS = "https://docs.pytorch.org/docs/stable/notes/randomness.html"

CAPABILITY = Capability(
    id="data",
    title="Data handling",
    summary="Data are split, shuffled, read, cached and checked by code that can be repeated and tested.",
    probes=(
        Probe(
            id="data.split",
            ask="Separates training from validation data",
            motivation="What was trained on cannot say how the model does on anything else.",
            counts="a split in code, or separate files or splits configured for training and validation",
            excludes="two names that hold the same data",
            risk="The reported quality is that of memory.",
            remedy=Remedy(
                text="Split once with a fixed seed, before any statistics are taken, and keep the "
                "validation part aside.",
                effort="hours",
                touches=("probe:data.streaming", "probe:training.loop", "new:{package}/data.py"),
            ),
            rollback="Give the whole data to training again.",
            references=(_REFORMS, _ML_TEST_SCORE),
            check=data_splits.split,
            core=True,
        ),
        Probe(
            id="data.shuffle",
            ask="Shuffles with a seed under the user's control",
            motivation="The order of the samples changes the result; a run can be repeated only if it is known.",
            counts="a seeded generator, sampler or permutation, DistributedSampler with a seed, "
            "dataset.shuffle(seed=), "
            "shuffling under a seed that the program sets",
            excludes="shuffle=True with no seed set anywhere",
            risk="Two runs with one seed see the data in another order and cannot be compared.",
            remedy=Remedy(
                text="Give the sampler a generator of its own, seeded from the settings.",
                effort="minutes",
                touches=("probe:data.split", "probe:training.loop", "new:{package}/data.py"),
            ),
            rollback="Drop the generator; the order is random as before.",
            references=(_RANDOMNESS,),
            check=data_order.shuffle,
            component="safeguards",
        ),
        Probe(
            id="data.streaming",
            ask="Handles data larger than memory",
            motivation="Corpora outgrow memory, and a loader that holds everything then has to be rewritten.",
            counts="np.memmap, streaming or iterable datasets, WebDataset, readers of sharded binary "
            "files, Arrow-backed "
            "datasets",
            excludes="an iterable class over a list in memory, streamed network responses",
            risk="A larger data set ends in an out-of-memory kill.",
            remedy=Remedy(
                text="Read through a memory map, an Arrow data set or shards instead of a list.",
                effort="days",
                touches=("probe:data.split", "probe:training.loop", "new:{package}/data.py"),
            ),
            rollback="Load into memory again for small data.",
            references=(
                "https://huggingface.co/docs/datasets/stream",
                "https://numpy.org/doc/stable/reference/generated/numpy.memmap.html",
            ),
            check=data_reading.streaming,
        ),
        Probe(
            id="data.cache",
            ask="Caches prepared data",
            motivation="Preparation that is repeated with every start wastes time and may differ each time.",
            counts="tokenized .bin, .arrow or .pt files that are reused, caches of a data set library, "
            "preprocessed or "
            "downloaded shards kept for reuse, an in-memory cache that the user can switch on",
            excludes="a cache of models, of web responses or of attention keys",
            risk="Each start waits for the preparation, and accelerators idle meanwhile.",
            remedy=Remedy(
                text="Write the prepared data under a name made from its inputs, and read it when it exists.",
                effort="hours",
                touches=("probe:data.streaming", "probe:data.split", "new:{package}/data.py"),
            ),
            rollback="Delete the cache folder; data are prepared with every start.",
            references=("https://huggingface.co/docs/datasets/about_cache",),
            check=data_cache.cache,
        ),
        Probe(
            id="data.validation",
            ask="Validates records or files of the data",
            motivation="A missing column or a broken record should stop or be counted, not be learnt.",
            counts="schema checks, checks of required fields that raise, handling of corrupt records",
            excludes="checking only that a file exists or has a known suffix",
            risk="Bad records silently become training data.",
            remedy=Remedy(
                text="Check the required fields of the first records, and count and report those that do not parse.",
                effort="hours",
                touches=("probe:data.split", "probe:data.streaming", "new:{package}/data.py"),
            ),
            rollback="Remove the check; records are taken as they come.",
            references=(_ML_TEST_SCORE, _REFORMS),
            check=data_records.validation,
            component="safeguards",
        ),
        Probe(
            id="data.manifest",
            ask="Records the identity of the data used",
            motivation="A result belongs to one version of the data; a name does not say which.",
            counts="checksums, a pinned version or revision of the data set, a manifest that carries "
            "hashes or revisions, "
            "DVC",
            excludes="a list of names or sizes alone, hashes that only name a cache",
            risk="The data change under the same name, and an old result can never be made again.",
            remedy=Remedy(
                text="Record the sha256 or the pinned revision of every data file beside the run.",
                effort="hours",
                touches=("probe:data.cache", "probe:data.split", "new:{package}/data.py"),
            ),
            rollback="Stop writing the manifest; nothing reads it during a run.",
            references=(_REFORMS, "https://dvc.org/doc"),
            check=data_identity.manifest,
            component="safeguards",
        ),
        Probe(
            id="data.tests",
            ask="Tests exercise data loading or preparation",
            motivation="Errors in data code rarely raise; they only make the model worse.",
            counts="an asserting test that runs the repository's loading, splitting or preparing code",
            excludes="a test that asserts nothing, fixtures alone",
            risk="An off-by-one in packing or labels lives for years.",
            remedy=Remedy(
                text="Test the loader on three tiny records: shapes, labels, order under a seed, and a broken one.",
                effort="hours",
                touches=("file:tests/*data*", "new:tests/test_data.py"),
            ),
            rollback="Delete the test file.",
            references=(_ML_TEST_SCORE,),
            check=data_tested.tests,
            component="tests",
        ),
    ),
)
