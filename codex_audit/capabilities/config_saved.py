"""Settings that stay with a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.capabilities import tracking_checks
from codex_audit.capabilities.config_sources import MODEL_FILE, in_network
from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

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


def saved(tree: Tree) -> Found:
    return (
        tree.calls(*OWN_SAVERS, why="writes the settings with {}")
        | tree.calls(*TEXT_WRITERS, where=_writes_settings, why="writes the settings with {}").where(
            lambda item: not in_network(tree, item), "the architecture of a network"
        )
        | tree.sites(_in_checkpoints(tree), "stores {} in the checkpoint", CONFIG_KEY)
        | tracking_checks.settings(tree)
        | tree.inherited("config.saved")
    )


def _writes_settings(site: Site) -> bool:
    """A write whose data are the whole settings, or whose function names a settings file."""
    if last(site.target) in ("dumps", "pprint") and not _writes_nearby(site):
        return False
    if any(WHOLE.match(item.value) for item in site.arguments):
        return True
    about = f"{site.module.path.rpartition('/')[2]}/{last(site.scope)}"
    return not MODEL_FILE.search(about) and _names_settings_file(site) and not site.target.startswith("tqdm.")


def _writes_nearby(site: Site) -> bool:
    return any(
        call.scope == site.scope
        and last(call.target) in ("write", "write_text", "open", "add_text", "log_text")
        for call in site.module.facts.calls
    )


def _names_settings_file(site: Site) -> bool:
    binary = last(site.target) == "save" or site.target.startswith(("pickle", "joblib"))
    here = site.module.statement(site.line)
    return any(
        text.scope == site.scope
        and abs(site.module.statement(text.line) - here) <= NEAR
        and SAVED_NAME.search(text.text)
        and binary == text.text.endswith(BINARY)
        for text in site.module.facts.texts
        if text.role not in ("message", "help")
    )


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
