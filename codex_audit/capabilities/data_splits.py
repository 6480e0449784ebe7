"""Training data apart from held-out data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities.data_words import about_data
from codex_audit.facts.model import Text
from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.options import Option
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site, gives
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
    "*.split_dataset",
    "astartes.*",
    "torch_geometric.transforms.Random*Split",
    "iterstrat.*",
    "skmultilearn.*",
)
TRAIN_WORD = re.compile(r"train(ing)?")
HELD_OUT_WORD = re.compile(r"val|valid|validation|dev|eval|evaluation|test|heldout|held_out")
TRAIN_FILE = re.compile(
    r"(^|.*[/_.-])train(ing)?(_?\w+)?[._-].*(bin|json|jsonl|csv|tsv|txt|npy|npz|pt|parquet"
    r"|pkl|h5|hdf5|lmdb|tfrecord|src|en)\w*$"
)
HELD_FILE = re.compile(
    r"(^|.*[/_.-])(val|valid|validation|dev|test|eval)(_?\w+)?[._-].*(bin|json|jsonl|csv"
    r"|tsv|txt|npy|npz|pt|parquet|pkl|h5|hdf5|lmdb|tfrecord|src|en)\w*$"
)
TRAIN_OPTION = re.compile(
    r"(data_?)?train(ing)?(_(data|file|files|path|paths|dataset|datasets|dir|set|split|df"
    r"|urls|ds|dataloader|loader|corpus|samples|bin|manifest|csv|examples))?|data_train"
)
HELD_OPTION = re.compile(
    r"(data_?)?(val|valid|validation|dev|eval|test)(_(data|file|files|path|paths|dataset"
    r"|datasets|dir|set|split|df|urls|ds|dataloader|loader|corpus|samples|size|ratio"
    r"|fraction|percent(age)?|pct|frac|bin"
    r"|manifest|csv|split_fraction|split_ratio|split_size|set_size|examples))"
    r"|validation_split(_percentage)?|data_val|(val|test|dev|valid)_?(size|ratio|fraction"
    r"|frac|pct|split)|split_ratio|split_sizes|validation_size"
)
COMMANDS = frozenset({"command", "add_parser", "add_typer", "add_argument", "group", "add_command", "mark"})
SIZE_OPTION = re.compile(
    r"(val|valid|validation|dev|eval|test)_?(split_?)?(size|ratio|fraction|frac|pct"
    r"|percent(age)?|proportion|split)|validation_split(_percentage)?|train_size"
)


def split(tree: Tree) -> Found:
    return (
        tree.calls(*SPLITTERS, why="splits with {}")
        | tree.keyword(
            "validation_split",
            of=(
                "*.fit",
                "*Generator",
                "*.image_dataset_from_directory",
                "*.text_dataset_from_directory",
                "*Loader",
                "*Module",
                "*Split*",
            ),
            where=lambda site: site.argument("validation_split") not in ("None", "0", "0.0"),
            why="splits in {}",
        )
        | tree.keyword(
            "validation_data",
            "eval_dataset",
            of=("*.fit", "*Trainer"),
            where=gives("validation_data", "eval_dataset"),
            why="separate data for {}",
        )
        | tree.sites(
            _paired_loaders(tree),
            "loads both parts ({})",
            ("train_dataloader and val_dataloader",),
            "declared",
        )
        | _paired_options(tree)
        | tree.sites(
            _paired_names(tree),
            "names the split {!r} beside the training split",
            ("train and validation split names",),
            "declared",
        )
        | tree.keyword(
            "train",
            of=("torchvision.datasets.*", "*.datasets.*"),
            where=lambda site: site.argument("train") == "False",
            why="loads the held-out part with {}",
        )
    )


def _paired_loaders(tree: Tree) -> Iterator[Site]:
    for module in tree.code:
        for cls in module.facts.classes:
            held = module.functions.get(f"{cls.name}.val_dataloader") or module.functions.get(
                f"{cls.name}.test_dataloader"
            )
            if f"{cls.name}.train_dataloader" in module.functions and held is not None and not held.stub:
                yield Site(module, "val_dataloader", held.line, held.name)


def _paired_options(tree: Tree) -> Found:
    """A setting for the training data beside one for held-out data, or the size of a split."""
    owners: dict[tuple[str, str, str], set[str]] = {}
    for option in tree.all_options:
        if TRAIN_OPTION.fullmatch(option.name):
            owners.setdefault(_owner(option), set()).add(option.name)
    paired = tree.options(
        "val*",
        "dev*",
        "eval*",
        "test*",
        "data_val*",
        "split_ratio",
        "split_sizes",
        kinds=("flag", "field", "parameter"),
        where=lambda option: bool(HELD_OPTION.fullmatch(option.name)) and (_owner(option) in owners),
        why="held-out data have a setting of their own",
    )
    sizes = tree.options(
        "val*",
        "dev*",
        "eval*",
        "test*",
        "train_size",
        kinds=("flag", "field"),
        where=lambda option: bool(SIZE_OPTION.fullmatch(option.name)),
        why="the size of the held-out part is a setting",
    )
    return paired | sizes


def _owner(option: Option) -> tuple[str, str, str]:
    return (option.path, option.kind, "" if option.kind == "flag" else option.scope)


def _paired_names(tree: Tree) -> Iterator[Site]:
    """Names of both splits, or of the files of both, in one function."""
    for module in tree.code:
        if "docs" in module.file.facets:
            continue
        named = [
            *module.facts.texts,
            *(Text(item.key, "key", item.line, item.scope) for item in module.facts.items),
        ]
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
    if text.role == "argument" and any(
        last(call.target) in COMMANDS and module.statement(call.line) == module.statement(text.line)
        for call in module.facts.calls
    ):
        return False
    return (
        text.role in ("subscript", "argument")
        or about_data(module.path, text.scope)
        or _takes_a_split(module, text.scope)
    )


def _takes_a_split(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(
        item.name in ("split", "subset", "partition", "phase", "stage") for item in function.parameters
    )
