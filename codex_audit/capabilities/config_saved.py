"""Settings that stay with a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from codex_audit.capabilities import tracking_checks
from codex_audit.capabilities.config_schema import SETTINGS_NAME
from codex_audit.capabilities.config_sources import MODEL_FILE, in_network
from codex_audit.facts.model import Call, Item, Text
from codex_audit.query.found import Found
from codex_audit.query.graph import definition_of, node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

Fact = TypeVar("Fact", Call, Item, Text)

CONFIG_KEY = (
    "config",
    "cfg",
    "args",
    "hparams",
    "hyper_parameters",
    "hyperparameters",
    "opt",
    "options",
    "settings",
    "train_config",
    "train_args",
    "training_args",
    "model_args",
    "model_config",
    "config_args",
    "hyper_params",
    "init_params",
    "configuration",
    "params_config",
    "user_config",
    "exp_config",
)
CHECKPOINT_WRITERS = (
    "torch.save",
    "pickle.dump",
    "joblib.dump",
    "cloudpickle.dump",
    "*.save_checkpoint",
    "flax.training.checkpoints.save_checkpoint",
    "orbax.*.save",
    "*.save_on_master",
    "xser.save",
    "torch_xla.*.save",
    "safetensors.torch.save_file",
    "dill.dump",
)
TEXT_WRITERS = (
    "json.dump",
    "json.dumps",
    "yaml.dump",
    "yaml.safe_dump",
    "toml.dump",
    "tomli_w.dump",
    "pickle.dump",
    "torch.save",
    "omegaconf.OmegaConf.save",
    "draccus.dump",
    "pyrallis.dump",
    "*.write_text",
    "*.write",
    "*.dump",
    "pprint.pprint",
    "ruamel.yaml.YAML().dump",
    "numpy.save",
    "*.to_json_file",
    "*.to_yaml",
    "*.to_json",
    "shutil.copy*",
    "*.save_config",
)
WHOLE = re.compile(
    r"^(vars\(\)|.*\basdict\(\)|.*to_container\(\)|.*\.to_yaml\(\)|.*\.__dict__"
    r"|.*ArgumentParser\(\)\.parse_args\(\)"
    r"|.*\.parse_args\(\)|.*\.model_dump(_json)?\(\)|.*_get_kwargs\(\))$"
)
SAVED_NAME = re.compile(
    r"(^|[/_.-])(config|configs|cfg|args|arguments|hparams|hyper_?params|hyper_?parameters"
    r"|settings|options|opts?|params|flags|"
    r"train_config|training_config|run_config|commandline)[\w-]*\.(json|ya?ml|toml|txt|pkl"
    r"|pt|bin|gin|ini|cfg|pth|pickle|md)$",
    re.IGNORECASE,
)
NEAR = 8
"""Statements between a write and the name of the file."""
_ALL_SET = re.compile(r"(.+\.)?__dict__(\.copy\(\))?|vars\(\)|(.+\.)?asdict\(\)")
_FILE_NAME = re.compile(r"\w\.\w{2,6}$")
_MODEL_PART = re.compile(r"vocab|merges|encoder|tokenizer|weights|pytorch_model|\.safetensors", re.IGNORECASE)
BINARY = (".pt", ".bin", ".pkl", ".pth", ".pickle")
OWN_SAVERS = (
    "*ArgumentParser().save",
    "*.write_config_file",
    "jsonargparse.*.save",
    "omegaconf.OmegaConf.save",
    "draccus.dump",
    "pyrallis.dump",
    "gin.operative_config_str",
    "gin.config_str",
    "gin.tf.GinConfigSaverHook",
    "tap.Tap().save",
    "mmengine.Config().dump",
    "mmcv.Config().dump",
    "sacred.observers.FileStorageObserver",
    "speechbrain.create_experiment_directory",
    "speechbrain.core.create_experiment_directory",
)


_MODEL_CLASS = re.compile(r"model|net(work)?$|encoder|decoder|tokenizer|architecture|backbone", re.IGNORECASE)
_OF_A_MODEL = frozenset({"architectures", "model_type", "vocab_size", "hidden_size"})
_WINDOW = 8
"""Statements between a write and the name of its file."""


def saved(tree: Tree) -> Found:
    writes = _Writes(tree)
    return (
        tree.calls(*OWN_SAVERS, why="writes the settings with {}")
        | tree.calls(*TEXT_WRITERS, where=writes.settings, why="writes the settings with {}").where(
            lambda item: not in_network(tree, item), "the architecture of a network"
        )
        | tree.sites(
            writes.handed_whole(), "hands the whole settings to {}, which writes them", ("vars()",)
        ).where(lambda item: not in_network(tree, item), "the architecture of a network")
        | tree.sites(_in_checkpoints(tree), "stores {} in the checkpoint", CONFIG_KEY)
        | tracking_checks.settings(tree)
        | tree.inherited("config.saved")
    )


@dataclass(frozen=True)
class _Writes:
    """Which calls write settings. What stands in a scope is looked up by scope."""

    tree: Tree
    _texts: dict[str, dict[str, list[Text]]] = field(default_factory=dict)
    _calls: dict[str, dict[str, list[Call]]] = field(default_factory=dict)
    _items: dict[str, dict[str, list[Item]]] = field(default_factory=dict)

    def settings(self, site: Site) -> bool:
        """A write whose data are the whole settings, or whose function names a settings file."""
        if last(site.target) in ("dumps", "pprint") and not self._writes_nearby(site):
            return False
        if any(WHOLE.match(item.value) or self._is_whole(item.value, site) for item in site.arguments):
            return True
        about = f"{site.module.path.rpartition('/')[2]}/{last(site.scope)}"
        if MODEL_FILE.search(about) or site.target.startswith("tqdm."):
            return False
        return self._names_settings_file(site) and not self._describes_a_model(site)

    def handed_whole(self) -> Iterator[Site]:
        """Calls that hand everything an object was set to, to a function of the tree that writes."""
        writing = self.tree.nodes_calling(*TEXT_WRITERS, "*.writestr")
        sites = self.tree.index.references.find(
            ("*.__dict__", "*.__dict__.copy", "vars", "dataclasses.asdict")
        )
        places = {(site.module.path, site.scope): site.module for site in sites}
        for (_, scope), module in places.items():
            for call in _by_scope(self._calls, module.path, module.facts.calls).get(scope, ()):
                if any(_ALL_SET.fullmatch(item.value) for item in call.arguments):
                    target = self.tree.modules.canonical(call.target, module)
                    if definition_of(target, self.tree.modules) in writing - {node_of(module, scope)}:
                        yield Site(module, target, call.line, scope, call)

    @cached_property
    def _wholes(self) -> frozenset[str]:
        """Methods of settings classes that return all their fields: ``to_dict`` with ``asdict(self)``."""
        return frozenset(
            node_of(site.module, site.scope)
            for site in self.tree.call_sites("dataclasses.asdict", "attr.asdict", "attrs.asdict", "vars")
            for owner in (last(site.scope.rpartition(".")[0]),)
            if site.argument("", 0) == f":{owner}()"
            and SETTINGS_NAME.search(re.sub(r"(Mixin|Base)$", "", owner))
            and not _MODEL_CLASS.search(owner)
        )

    def _is_whole(self, value: str, site: Site) -> bool:
        if not value.endswith("()") or ("().to_" not in value and "().as_" not in value):
            return False
        called = self.tree.modules.canonical(value.removesuffix("()"), site.module)
        return definition_of(called, self.tree.modules) in self._wholes

    def _writes_nearby(self, site: Site) -> bool:
        calls = _by_scope(self._calls, site.module.path, site.module.facts.calls).get(site.scope, ())
        return any(
            last(call.target) in ("write", "write_text", "open", "add_text", "log_text") for call in calls
        )

    def _names_settings_file(self, site: Site) -> bool:
        binary = last(site.target) == "save" or site.target.startswith(("pickle", "joblib"))
        near = self._file_names(site)
        named = any(
            SAVED_NAME.search(text) and binary == text.endswith(BINARY) and not MODEL_FILE.search(text)
            for text in near
        )
        # The files of a pretrained model are copied together.
        copies = site.target.startswith("shutil.copy") and any(_MODEL_PART.search(text) for text in near)
        return named and not copies

    def _file_names(self, site: Site) -> list[str]:
        """Texts near a write; those at the ``open`` just above it alone, if a file is named there."""
        module = site.module
        texts = [
            (module.apart(site.line, text.line), text.text)
            for text in _by_scope(self._texts, module.path, module.facts.texts).get(site.scope, ())
            if text.role not in ("message", "help")
        ]
        texts = [(distance, text) for distance, text in texts if abs(distance) <= _WINDOW]
        calls = _by_scope(self._calls, module.path, module.facts.calls).get(site.scope, ())
        opening = [module.apart(site.line, call.line) for call in calls if last(call.target) == "open"]
        opened = max((distance for distance in opening if distance <= 0), default=None)
        at_open = [
            text
            for distance, text in texts
            if opened is not None and opened <= distance <= 0 and _FILE_NAME.search(text)
        ]
        return at_open or [text for _, text in texts]

    def _describes_a_model(self, site: Site) -> bool:
        items = _by_scope(self._items, site.module.path, site.module.facts.items).get(site.scope, ())
        return len(_OF_A_MODEL & {item.key for item in items}) > 1


def _by_scope(
    memo: dict[str, dict[str, list[Fact]]], path: str, facts: Iterable[Fact]
) -> dict[str, list[Fact]]:
    """The facts of a module by scope."""
    if path not in memo:
        memo[path] = {}
        for fact in facts:
            memo[path].setdefault(fact.scope, []).append(fact)
    return memo[path]


def _in_checkpoints(tree: Tree) -> Iterator[Site]:
    """Keys of settings in a dictionary that the same function, or a caller, writes as a checkpoint."""
    saving = {(site.module.path, site.scope) for site in tree.call_sites(*CHECKPOINT_WRITERS)}
    for module in tree.code:
        for item in module.facts.items:
            settings = item.key in CONFIG_KEY and "state_dict" not in item.value
            if settings and (module.path, item.scope) in saving:
                yield Site(module, item.key, item.line, item.scope)
        for fact in module.facts.assignments:
            key = re.search(r"\['([\w-]+)'\]$", fact.target)
            settings = key is not None and key[1] in CONFIG_KEY and "state_dict" not in fact.value
            if key and settings and (module.path, fact.scope) in saving:
                yield Site(module, key[1], fact.line, fact.scope)
