"""The checks behind the configuration probes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.capabilities import tracking_checks
from codex_audit.facts.model import Class
from codex_audit.query.found import Found
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
    "trl.TrlParser().parse_args_and_config",
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
CONFIG_OPTION = re.compile(
    r"(.*_)?(config|conf|cfg|settings|hparams|hyperparameters|params|args|recipe|hyps?)(_?(file|path|filename|yaml|json|yml|toml|fp))"
    r"|config|cfg|conf|recipe|yaml|from_yaml|config_?f(ile)?|hyp"
)
CONFIG_FUNCTION = re.compile(
    r"(load|read|parse|get|from|open|init|setup|make|merge|update)_?(\w+_)?(config|cfg|conf|settings|hparams|yaml|recipe|options)s?(_\w+)?"
    r"|from_(file|yaml|toml|json_file|object|mapping)",
    re.IGNORECASE,
)
MODEL_FILE = re.compile(
    r"pretrained|preset|checkpoint|ckpt|tokenizer|vocab|index|metadata|model_card|state|hub|export|convert|merge_lora|lora_merge|hugging_?face|_hf|hf_",
    re.IGNORECASE,
)
MODEL_PARAMETER = re.compile(r"model|model_?(name|path|id|dir)\w*|preset|repo_?id|pretrained\w*|save_directory|module_path")
PARSERS = (
    "argparse.ArgumentParser",
    "*ArgumentParser().parse_args",
    "*.ArgumentParser",
    "optparse.OptionParser",
    "click.command",
    "click.group",
    "click.option",
    "typer.Typer",
    "typer.run",
    "tyro.cli",
    "tyro.*.cli",
    "fire.Fire",
    "hydra.main",
    "omegaconf.OmegaConf.from_cli",
    "absl.flags.DEFINE_*",
    "absl.app.run",
    "tensorflow.flags.DEFINE_*",
    "tensorflow.app.flags.DEFINE_*",
    "transformers.HfArgumentParser",
    "trl.TrlParser",
    "jsonargparse.*",
    "*.cli.LightningCLI",
    "simple_parsing.parse",
    "simple_parsing.ArgumentParser",
    "pyrallis.wrap",
    "pyrallis.parse",
    "draccus.wrap",
    "draccus.parse",
    "docopt.docopt",
    "plac.call",
    "configargparse.*Parser",
    "tap.Tap",
    "tap.tapify",
    "cyclopts.App",
    "cyclopts.run",
    "chz.entrypoint",
    "chz.nested_entrypoint",
    "defopt.run",
    "clize.run",
    "cleo.application.Application",
    "gin.parse_config_files_and_bindings",
    "ml_collections.config_flags.*",
    "sacred.Experiment().automain",
    "fastcore.script.call_parse",
)
TYPED = (
    "transformers.HfArgumentParser",
    "trl.TrlParser",
    "tyro.cli",
    "tyro.*.cli",
    "jsonargparse.CLI",
    "jsonargparse.auto_cli",
    "jsonargparse.ArgumentParser().add_class_arguments",
    "jsonargparse.ArgumentParser().add_subclass_arguments",
    "jsonargparse.ArgumentParser().add_dataclass_arguments",
    "jsonargparse.ArgumentParser().add_function_arguments",
    "*.cli.LightningCLI",
    "omegaconf.OmegaConf.structured",
    "hydra.core.config_store.ConfigStore.instance().store",
    "hydra.core.config_store.ConfigStore().store",
    "pyrallis.wrap",
    "pyrallis.parse",
    "draccus.wrap",
    "draccus.parse",
    "simple_parsing.parse",
    "simple_parsing.ArgumentParser",
    "chz.entrypoint",
    "chz.nested_entrypoint",
    "dacite.from_dict",
    "cattrs.structure",
    "cattr.structure",
    "tap.tapify",
    "cyclopts.App",
    "cyclopts.run",
    "fiddle.*",
)
SETTINGS_BASES = ("pydantic.BaseSettings", "pydantic_settings.BaseSettings", "pydantic.v1.BaseSettings", "tap.Tap")
MODEL_BASES = ("pydantic.BaseModel", "pydantic.v1.BaseModel", "msgspec.Struct", "marshmallow.Schema", "chz.*")
VALIDATORS = ("jsonschema.validate", "jsonschema.*Validator", "jsonschema.*Validator().validate", "cerberus.Validator",
              "voluptuous.Schema", "schema.Schema", "pydantic.TypeAdapter", "fastjsonschema.compile")  # fmt: skip
SETTINGS_NAME = re.compile(
    r"(config|configuration|settings|args|arguments|options|params|parameters|hparams|experiment|recipe|spec|cfg)\d*$",
    re.IGNORECASE,
)
CHECK_FUNCTION = re.compile(
    r"_*(validate|check|verify|sanity_?check)_?\w*(arg|arguments|args|config|cfg|settings|options|params|hparams|hyperparameters)(s|_\w+)?"
    r"|_*(validate|check|verify)_?(train|predict|eval|tune|hpopt|finetune)\w*args",
    re.IGNORECASE,
)
CHECK_METHODS = frozenset({"__post_init__", "validate", "_validate", "check", "_check", "verify", "validate_config", "__attrs_post_init__"})
SEARCHES = (
    "optuna.create_study",
    "optuna.study.create_study",
    "optuna.*.optimize",
    "optuna.integration.*",
    "ray.tune.Tuner",
    "ray.tune.run",
    "ray.tune.run_experiments",
    "ray.tune.tuner.Tuner",
    "wandb.sweep",
    "wandb.agent",
    "hyperopt.fmin",
    "keras_tuner.*",
    "kerastuner.*",
    "nevergrad.optimizers.*",
    "ax.service.*",
    "skopt.*_minimize",
    "skopt.BayesSearchCV",
    "sklearn.model_selection.GridSearchCV",
    "sklearn.model_selection.RandomizedSearchCV",
    "sklearn.model_selection.Halving*SearchCV",
    "sklearn.model_selection.ParameterGrid",
    "sklearn.model_selection.ParameterSampler",
    "smac.*",
    "syne_tune.*",
    "bayes_opt.BayesianOptimization",
    "nni.get_next_parameter",
    "transformers.*Trainer().hyperparameter_search",
    "*.hyperparameter_search",
    "clearml.automation.*",
    "orion.client.*",
    "submitit.*.map_array",
)
SWEEP_NAME = re.compile(r"(^|[_/-])(sweeps?|grid_?search|hp_?(o|opt|search|tune|tuning)|hyper_?param\w*|random_search|tune)(?=[_.-]|$)", re.IGNORECASE)
CONFIG_KEY = ("config", "cfg", "args", "hparams", "hyper_parameters", "hyperparameters", "opt", "options", "settings",
              "train_config", "train_args", "training_args", "model_args", "model_config", "config_args", "hyper_params",
              "init_params_", "init_params", "configuration", "params_config", "user_config", "exp_config")  # fmt: skip
CHECKPOINT_WRITERS = ("torch.save", "pickle.dump", "joblib.dump", "cloudpickle.dump", "*.save_checkpoint", "flax.training.checkpoints.save_checkpoint",
                      "orbax.*.save", "*.save_on_master", "xser.save", "torch_xla.*.save", "safetensors.torch.save_file", "dill.dump")  # fmt: skip
TEXT_WRITERS = ("json.dump", "json.dumps", "yaml.dump", "yaml.safe_dump", "toml.dump", "tomli_w.dump", "pickle.dump", "torch.save",
                "omegaconf.OmegaConf.save", "draccus.dump", "pyrallis.dump", "*.write_text", "*.write", "*.dump", "pprint.pprint",
                "ruamel.yaml.YAML().dump", "numpy.save", "*.to_json_file", "*.to_yaml", "*.to_json", "shutil.copy*", "*.save_config")  # fmt: skip
WHOLE = re.compile(r"^(vars\(\)|.*\basdict\(\)|.*to_container\(\)|.*\.to_yaml\(\)|.*\.__dict__|.*ArgumentParser\(\)\.parse_args\(\)"
                   r"|.*\.parse_args\(\)|.*get_args_for_saving\(\)|.*\.model_dump(_json)?\(\)|.*_get_kwargs\(\))$")  # fmt: skip
SAVED_NAME = re.compile(
    r"(^|[/_.-])(config|configs|cfg|args|arguments|hparams|hyper_?params|hyper_?parameters|settings|options|opts?|params|flags|"
    r"train_config|training_config|run_config|commandline)[\w-]*\.(json|ya?ml|toml|txt|pkl|pt|bin|gin|ini|cfg|pth|pickle|md)$",
    re.IGNORECASE,
)
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


def file(tree: Tree) -> Found:
    return (
        tree.calls(*FILE_READERS, why="reads settings with {}").where(
            lambda item: item.place != "docs" and not _in_network(tree, item), "configures a network or the documentation, not a run"
        )
        | tree.keyword("fromfile_prefix_chars", of=("*ArgumentParser",), why="{} takes settings from a file")
        | tree.references("jsonargparse.ActionConfigFile", why="takes settings from a file with {}")
        | tree.sites(_config_loads(tree), "reads a settings file with {}", LOADERS)
        | tree.inherited("config.file")
    )


def _in_network(tree: Tree, item: Evidence) -> bool:
    """What a network reads in its own methods configures the network, not the run."""
    owner = tree.node(item).rpartition(".")[0]
    return any(base.startswith(("torch.nn.", "flax.", "keras.", "tensorflow.keras.")) for base in tree.modules.ancestors(owner))


def _config_loads(tree: Tree) -> Iterator[Site]:
    """Reads of structured files by a function or script that takes the path of a settings file, or whose name says so."""
    flagged = _modules_with_config_flag(tree)
    for site in tree.call_sites(*LOADERS):
        plain_json = site.target.startswith("json.")
        if site.target == "exec" and not _executes_a_file(site):
            continue
        inner = last(site.scope)
        about = f"{site.module.path.rpartition('/')[2]}/{inner}" if plain_json else inner
        if MODEL_FILE.search(about) or _is_docs(site.module):
            continue
        if plain_json and _names_a_model(site.module, site.scope):
            continue
        if _takes_config_path(site.module, site.scope) or (site.module.path in flagged and not plain_json):
            yield site
        elif CONFIG_FUNCTION.fullmatch(inner.strip("_")) and (not plain_json or site.module.path in flagged):
            yield site


def _executes_a_file(site: Site) -> bool:
    first = site.argument("", 0)
    return first.endswith(("read()", "compile()", "read_text()"))


def _takes_config_path(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(
        CONFIG_OPTION.fullmatch(item.name.lower()) and not MODEL_FILE.search(item.name) and _may_be_path(item.annotation)
        for item in function.parameters
    )


def _names_a_model(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(MODEL_PARAMETER.fullmatch(item.name) for item in function.parameters)


def _may_be_path(annotation: str) -> bool:
    text = annotation.lower()
    return not text or "str" in text or "path" in text


def _modules_with_config_flag(tree: Tree) -> frozenset[str]:
    return frozenset(
        option.path
        for option in tree.all_options
        if option.kind == "flag" and CONFIG_OPTION.fullmatch(option.name)
    )


def _is_docs(module: Module) -> bool:
    return "docs" in module.file.facets


def override(tree: Tree) -> Found:
    decorated = tree.functions(
        lambda module, function: any(
            tree.modules.canonical(mark, module) in ("click.command", "click.group", "click.option", "hydra.main")
            for mark in function.decorators
        ),
        why="{} is a command",
        looked_for="click.command",
    )
    found = (
        tree.calls(*PARSERS, why="parses the command line with {}")
        | decorated
        | tree.subclasses("tap.Tap", "argparse.ArgumentParser", "typed_argument_parser.Tap")
        | tree.sites(_own_parsers(tree), "parses key=value from {}", ("sys.argv",))
    )
    return found.where(lambda item: not _is_tooling(tree, item), "a tool of development, not of the program")


def _own_parsers(tree: Tree) -> Iterator[Site]:
    """A loop over ``sys.argv`` that splits at ``=`` or looks for ``--``."""
    for module in tree.code:
        scopes = {item.scope: item.line for item in module.facts.references if item.name.startswith("sys.argv")}
        for scope, line in scopes.items():
            marks = {text.text for text in module.facts.texts if text.scope == scope}
            splits = any(last(call.target) in ("split", "partition", "startswith") for call in module.facts.calls if call.scope == scope)
            if splits and marks & {"=", "--"}:
                yield Site(module, "sys.argv", line, scope)


_TOOLS = frozenset({"setup.py", "conf.py", "noxfile.py", "tasks.py", "fabfile.py", "conftest.py", "release.py", "bump_version.py", "versioneer.py"})
_TOOL_FOLDERS = frozenset({".github", "ci", ".ci", "docs", "doc", "dev", "devtools", "maint", "release", ".circleci", "admin", "build_tools"})


def _is_tooling(tree: Tree, item: Evidence) -> bool:
    *folders, name = item.path.lower().split("/")
    if name in _TOOLS or set(folders[:1]) & _TOOL_FOLDERS:
        return True
    return bool(set(folders[:1]) & {"scripts", "tools", "utils"}) and not _serves_the_program(tree, item.path)


def _serves_the_program(tree: Tree, path: str) -> bool:
    """Whether a script of a tools folder imports the project or a library of the field; housekeeping does not."""
    module = tree.module_at[path]
    tops = {other.name.partition(".")[0] for other in tree.code if other.in_package}
    imported = {item.target.lstrip(".").partition(".")[0] for item in module.facts.imports}
    relative = any(item.target.startswith(".") for item in module.facts.imports)
    return relative or bool(imported & (tops | {"torch", "jax", "tensorflow", "keras", "transformers", "datasets", "numpy", "sklearn", "pandas"}))


def schema(tree: Tree) -> Found:
    typed_parameters = tree.calls(*TYPED, why="parses settings into typed fields with {}")
    return (
        typed_parameters.where(lambda item: not _is_tooling(tree, item), "a tool of development, not of the program")
        | tree.subclasses(*SETTINGS_BASES, why="{} checks the settings")
        | tree.subclasses(*MODEL_BASES, where=_is_settings_class, why="{} checks the settings")
        | tree.calls(*VALIDATORS, where=_about_settings, why="checks settings with {}")
        | tree.classes(lambda module, cls: _has_validated_fields(tree, module, cls), "{} has validated fields", "attrs or pydantic validators")
        | tree.sites(_explicit_checks(tree), "{} raises on bad fields", ("a block of checks that raise",), "declared")
        | tree.inherited("config.schema")
    )


def _is_settings_class(module: Module, cls: Class) -> bool:
    return bool(SETTINGS_NAME.search(last(cls.name)))


def _about_settings(site: Site) -> bool:
    return bool(re.search(r"config|setting|arg|option|param", f"{site.module.path} {site.scope}", re.IGNORECASE))


def _has_validated_fields(tree: Tree, module: Module, cls: Class) -> bool:
    if not _is_settings_class(module, cls):
        return False
    marks = {tree.modules.canonical(mark, module) for mark in cls.decorators}
    if marks & {"pydantic.dataclasses.dataclass"}:
        return True
    return any(
        call.scope == cls.name and any(item.name in ("validator", "validate") for item in call.arguments)
        for call in module.facts.calls
    )


def _explicit_checks(tree: Tree) -> Iterator[Site]:
    """Functions that check settings and raise in at least two guarded places."""
    for module in tree.code:
        raising: dict[str, list[int]] = {}
        for item in module.facts.raises:
            if item.guarded and last(item.exception) not in ("ImportError", "ModuleNotFoundError", "NotImplementedError"):
                raising.setdefault(item.scope, []).append(item.line)
        for call in module.facts.calls:
            if call.target.endswith(("ArgumentParser().error", ".parser.error", "click.BadParameter")):
                raising.setdefault(call.scope, []).append(call.line)
        blocks = {scope: lines for scope, lines in raising.items() if _checks_settings(module, scope)}
        if sum(len(lines) for lines in blocks.values()) >= 2:
            for scope, lines in blocks.items():
                yield Site(module, last(scope), lines[0], scope)


def _checks_settings(module: Module, scope: str) -> bool:
    owner, _, name = scope.rpartition(".")
    if owner in module.classes:
        return bool(SETTINGS_NAME.search(last(owner))) and (name in CHECK_METHODS or name.startswith(("_validate", "validate_", "_check")))
    return bool(CHECK_FUNCTION.fullmatch(name))


def sweep(tree: Tree) -> Found:
    return (
        tree.calls(*SEARCHES, why="searches settings with {}")
        | tree.options("sweep_config", "sweep_id", kinds=("flag", "field", "parameter"))
        | tree.settings("*.yaml *.yml", r"(.*\.)?hydra[./]sweeper.*|hydra\.mode", r"", why="configures a Hydra sweep")
        | _wandb_sweeps(tree)
        | tree.sites(_own_sweeps(tree), "runs over a grid with {}", ("itertools.product in a sweep script",))
        | tree.inherited("config.sweep")
    )


def _wandb_sweeps(tree: Tree) -> Found:
    """A YAML file with the keys of a W&B sweep at its top: method and parameters."""
    methods = tree.settings("*.yaml *.yml", "method", r"^(grid|random|bayes|hyperband)$", why="a W&B sweep")
    return methods.where(lambda item: _has_parameters(tree, item.path), "names a method, but no parameters")


def _has_parameters(tree: Tree, path: str) -> bool:
    facts = tree.by_path[path].settings
    return facts is not None and any(item.key.startswith("parameters.") for item in facts.settings)


def _own_sweeps(tree: Tree) -> Iterator[Site]:
    for site in tree.call_sites("itertools.product", "subprocess.*", "os.system", "multiprocessing.Pool"):
        if SWEEP_NAME.search(site.module.path) or SWEEP_NAME.search(last(site.scope)):
            yield site


def saved(tree: Tree) -> Found:
    return (
        tree.calls(*OWN_SAVERS, why="writes the settings with {}")
        | tree.calls(*TEXT_WRITERS, where=_writes_settings, why="writes the settings with {}").where(
            lambda item: not _in_network(tree, item), "the architecture of a network"
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
        call.scope == site.scope and last(call.target) in ("write", "write_text", "open", "add_text", "log_text")
        for call in site.module.facts.calls
    )


def _names_settings_file(site: Site) -> bool:
    binary = last(site.target) == "save" or site.target.startswith(("pickle", "joblib"))
    return any(
        text.scope == site.scope
        and abs(text.line - site.line) <= 12
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
