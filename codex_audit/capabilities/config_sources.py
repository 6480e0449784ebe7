"""Where settings come from: files and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

FILE_READERS = (
    "hydra.main",
    "hydra.compose",
    "hydra.initialize",
    "omegaconf.OmegaConf.load",
    "gin.parse_config_file",
    "gin.parse_config_files_and_bindings",
    "jsonargparse.CLI",
    "jsonargparse.auto_cli",
    "jsonargparse.ActionConfigFile",
    "*.cli.LightningCLI",
    "configargparse.*Parser",
    "pyrallis.wrap",
    "pyrallis.parse",
    "draccus.wrap",
    "draccus.parse",
    "transformers.HfArgumentParser().parse_json_file",
    "transformers.HfArgumentParser().parse_yaml_file",
    "ml_collections.config_flags.DEFINE_config_file",
    "ml_collections.config_flags.config_flags.DEFINE_config_file",
    "mmcv.Config.fromfile",
    "mmengine.Config.fromfile",
    "mmengine.config.Config.fromfile",
    "dynaconf.Dynaconf",
    "pydantic_settings.YamlConfigSettingsSource",
    "pydantic_settings.TomlConfigSettingsSource",
    "pydantic_settings.JsonConfigSettingsSource",
    "configparser.ConfigParser().read",
    "configparser.SafeConfigParser().read",
    "configparser.RawConfigParser().read",
    "hyperpyyaml.load_hyperpyyaml",
    "fvcore.common.config.CfgNode().merge_from_file",
    "yacs.config.CfgNode().merge_from_file",
    "sacred.Experiment().add_config",
    "confuse.Configuration",
    "fastcore.script.call_parse",
    "py_config_runner.ConfigObject",
    "pyhocon.ConfigFactory.parse_file",
    "anyconfig.load",
    "*.parse_args_and_config",
    "*.merge_from_file",
    "*.from_pyfile",
)
LOADERS = (
    "yaml.safe_load",
    "yaml.load",
    "yaml.full_load",
    "yaml.unsafe_load",
    "ruamel.yaml.YAML().load",
    "toml.load",
    "toml.loads",
    "tomli.load",
    "tomli.loads",
    "tomllib.load",
    "tomllib.loads",
    "json.load",
    "json.loads",
    "json5.load",
    "_jsonnet.evaluate_file",
    "runpy.run_path",
    "importlib.util.spec_from_file_location",
    "importlib.machinery.SourceFileLoader",
    "exec",
)
# What loads code, of a plugin or a model as often as of settings.
_CODE_LOADERS = frozenset(
    {"runpy.run_path", "importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader"}
)
# Names under which users hand over the path of a settings file.
CONFIG_OPTION = re.compile(
    r"(.*_)?(config|conf|cfg|settings|hparams|hyperparameters|params|args|recipe"
    r"|hyps?)(_?(file|path|file_?path|filename|yaml|json|yml|toml|fp))"
    r"|config|cfg|conf|recipe|yaml|from_yaml|config_?f(ile)?|hyp"
)
CONFIG_FUNCTION = re.compile(
    r"(load|read|parse|get|from|open|init|setup|make|merge|update)_?(\w+_)?(config|cfg|conf"
    r"|settings|hparams|yaml|recipe|options|workflow)s?(_\w+)?"
    r"|from_(file|yaml|toml|json_file|object|mapping)",
    re.IGNORECASE,
)
_BOUND = frozenset({"config", "cfg", "conf", "settings", "hparams"})
# What belongs to a saved model, whose configuration is not that of a run.
MODEL_FILE = re.compile(
    r"pretrained|preset|checkpoint|ckpt|tokenizer|vocab|index|metadata|model_card|state|hub"
    r"|export|convert|merge_lora|lora_merge|hugging_?face|_hf|hf_",
    re.IGNORECASE,
)
MODEL_PARAMETER = re.compile(
    r"model|model_?(name|path|id|dir)\w*|preset|repo_?id|pretrained\w*|save_directory|module_path"
)


def file(tree: Tree) -> Found:
    return (
        tree.calls(*FILE_READERS, why="reads settings with {}").where(
            lambda item: item.place != "docs" and not in_network(tree, item),
            "configures a network or the documentation, not a run",
        )
        | tree.keyword("fromfile_prefix_chars", of=("*ArgumentParser",), why="{} takes settings from a file")
        | tree.references("jsonargparse.ActionConfigFile", why="takes settings from a file with {}")
        | tree.sites(_config_loads(tree), "reads a settings file with {}", LOADERS)
        | tree.sites(_config_objects(tree), "reads settings with {}", ("a configuration library",))
        | tree.inherited("config.file")
    )


def in_network(tree: Tree, item: Evidence) -> bool:
    """What a network reads in its own methods configures the network, not the run."""
    owner = tree.node(item).rpartition(".")[0]
    return any(
        base.startswith(("torch.nn.", "flax.", "keras.", "tensorflow.keras."))
        for base in tree.modules.ancestors(owner)
    )


def _config_loads(tree: Tree) -> Iterator[Site]:
    """Reads of structured files by a function or script that takes the path of settings, or whose name says so.

    JSON is stricter: most JSON files of this field describe a model.
    """
    flags = _config_flags(tree)
    for site in tree.call_sites(*LOADERS):
        plain_json = site.target.startswith("json.")
        if site.target == "exec":
            if _executes_settings(site):
                yield site
            continue
        inner = last(site.scope)
        about = f"{site.module.path.rpartition('/')[2]}/{inner}" if plain_json else inner
        if MODEL_FILE.search(about) or _is_docs(site.module):
            continue
        if plain_json and _names_a_model(site.module, site.scope):
            continue
        flagged = _knows_flag(tree, site, flags)
        if (
            _takes_config_path(site.module, site.scope)
            or (flagged and not plain_json)
            or (CONFIG_FUNCTION.fullmatch(inner.strip("_")) and (not plain_json or flagged))
            or (not plain_json and site.target not in _CODE_LOADERS and _serves_settings(tree, site))
        ):
            yield site


def _config_objects(tree: Tree) -> Iterator[Site]:
    """What a library makes of the path of settings by a callable that says so: ``config = ConfigObject(path)``."""
    for site in tree.call_sites("*Config*", "*.config*"):
        if site.call is None or last(site.call.bound) not in _BOUND or site.call.bound.startswith("self."):
            continue
        foreign = tree.modules.split(site.target.partition("()")[0])[0] is None
        handed = site.argument("", 0)
        named = handed[:1] not in ("", "'", '"', "[", "{") and not MODEL_FILE.search(site.target)
        if foreign and named and _takes_config_path(site.module, site.scope):
            yield site


def _serves_settings(tree: Tree, site: Site) -> bool:
    """A parser that a function named for loading settings uses, directly or through a helper or two."""
    users = tree.uses.reaching({node_of(site.module, site.scope)}, 3)
    return any(CONFIG_FUNCTION.fullmatch(last(user).strip("_")) for user in users)


def _executes_settings(site: Site) -> bool:
    """``exec`` of a Python file whose path is not fixed, or is that of settings: packaging executes fixed files too."""
    if not site.argument("", 0).endswith(("read()", "compile()", "read_text()")):
        return False
    opened = [
        call.arguments[0].value
        for call in site.module.facts.calls
        if call.scope == site.scope and call.target == "open" and call.arguments and call.line <= site.line
    ]
    fixed = opened[-1] if opened and opened[-1][:1] in "'\"" else ""
    return "setup" not in site.module.name and (not fixed or "config" in fixed)


def _takes_config_path(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(
        CONFIG_OPTION.fullmatch(item.name.lower())
        and not MODEL_FILE.search(item.name)
        and _may_be_path(item.annotation)
        for item in function.parameters
    )


def _names_a_model(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(MODEL_PARAMETER.fullmatch(item.name) for item in function.parameters)


def _may_be_path(annotation: str) -> bool:
    text = annotation.lower()
    return not text or "str" in text or "path" in text


def _config_flags(tree: Tree) -> frozenset[str]:
    """The modules that declare a flag for a settings file, and the functions in which they do."""
    flags = [
        option
        for option in tree.all_options
        if option.kind == "flag" and option.module is not None and CONFIG_OPTION.fullmatch(option.name)
    ]
    nodes = {
        node_of(option.module, option.scope) for option in flags if option.module is not None and option.scope
    }
    return frozenset({option.path for option in flags} | nodes)


def _knows_flag(tree: Tree, site: Site, flags: frozenset[str]) -> bool:
    """Whether such a flag is declared in the module of the site, or by a function that its function calls."""
    node = node_of(site.module, site.scope)
    return site.module.path in flags or bool(tree.uses.edges.get(node, frozenset()) & flags)


def _is_docs(module: Module) -> bool:
    return "docs" in module.file.facets
