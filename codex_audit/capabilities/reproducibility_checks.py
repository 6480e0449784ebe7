"""The checks behind the reproducibility probes."""

from __future__ import annotations

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import Call
from codex_audit.query.found import NOTHING, Found, any_of, ordered
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

FRAMEWORK_SEEDS = (
    "torch.manual_seed",
    "torch.random.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.cuda.manual_seed",
    "jax.random.PRNGKey",
    "jax.random.key",
    "tensorflow.random.set_seed",
    "tensorflow.set_random_seed",
    "mlx.core.random.seed",
    "flax.nnx.Rngs",
    "paddle.seed",
    "mxnet.random.seed",
)
SEED_ALL_HELPERS = (
    "transformers.set_seed",
    "transformers.trainer_utils.set_seed",
    "transformers.enable_full_determinism",
    "accelerate.utils.set_seed",
    "accelerate.set_seed",
    "pytorch_lightning.seed_everything",
    "pytorch_lightning.utilities.seed.seed_everything",
    "lightning.seed_everything",
    "lightning.pytorch.seed_everything",
    "lightning.fabric.seed_everything",
    "lightning.fabric.utilities.seed.seed_everything",
    "lightning_fabric.utilities.seed.seed_everything",
    "lightning.Fabric().seed_everything",
    "composer.utils.reproducibility.seed_all",
    "monai.utils.set_determinism",
    "keras.utils.set_random_seed",
    "tensorflow.keras.utils.set_random_seed",
    "fastai.torch_core.set_seed",
    "datasets.utils.set_seed",
)
PLAIN_SEEDS = ("random.seed", "numpy.random.seed", "numpy.random.default_rng")
VERSIONS = (
    "platform.python_version",
    "platform.platform",
    "platform.node",
    "platform.uname",
    "platform.machine",
    "platform.processor",
    "socket.gethostname",
    "sys.version",
    "sys.version_info",
    "torch.__version__",
    "torch.version.cuda",
    "torch.cuda.get_device_name",
    "torch.cuda.get_device_properties",
    "transformers.__version__",
    "datasets.__version__",
    "tokenizers.__version__",
    "jax.__version__",
    "jax.devices",
    "numpy.__version__",
    "tensorflow.__version__",
    "lightning.__version__",
    "pytorch_lightning.__version__",
    "importlib.metadata.version",
    "importlib_metadata.version",
    "psutil.virtual_memory",
    "os.uname",
)
INVENTORIES = (
    "importlib.metadata.distributions",
    "importlib_metadata.distributions",
    "pkg_resources.working_set",
    "torch.utils.collect_env.get_pretty_env_info",
)
COMMITS = (
    "git.Repo",
    "*.head.object.hexsha",
    "*.head.commit.hexsha",
    "*.rev_parse",
    "dulwich.repo.Repo",
    "pygit2.Repository",
)
_SHOWS_VERSION = frozenset({"add_argument", "version_option", "VersionOption"})
WRITES = frozenset(
    {
        "dump",
        "save",
        "write",
        "write_text",
        "log_params",
        "log_param",
        "log_hyperparams",
        "set_tag",
        "set_tags",
    }
    | {"add_text", "init", "update", "to_json", "push_to_hub", "safe_dump", "writelines"}
)


def seed(tree: Tree) -> Found:
    return (
        tree.calls(*SEED_ALL_HELPERS, why="seeds with {}")
        | tree.calls(*FRAMEWORK_SEEDS, why="seeds with {}")
        | tree.keyword("deterministic_seed", "random_state", of=("*Trainer",), why="seeds {}")
        | tree.inherited("reproducibility.seed")
        | _numpy_only(tree)
    )


def _numpy_only(tree: Tree) -> Found:
    """Seeding NumPy counts where NumPy is the framework: a tree that uses no other."""
    if tree.calls("torch.*", "jax.*", "tensorflow.*", "keras.*"):
        return NOTHING
    return tree.calls(
        "numpy.random.seed", "numpy.random.default_rng", "random.seed", where=_has_argument, why="seeds {}"
    )


def _has_argument(site: Site) -> bool:
    return bool(site.arguments)


def seed_all(tree: Tree) -> Found:
    together = [
        Found(evidence=(item,))
        for item in tree.calls(*FRAMEWORK_SEEDS, why="seeds this, Python and NumPy together").evidence
        if _seeds_beside(tree, item.path, item.scope)
    ]
    return (
        tree.calls(*SEED_ALL_HELPERS, why="seeds all generators with {}")
        | any_of(together)
        | tree.inherited("reproducibility.seed-all")
    )


def _seeds_beside(tree: Tree, path: str, scope: str) -> bool:
    """Whether Python's and NumPy's generators are seeded in the same function."""
    module = tree.module_at[path]
    beside = {
        tree.modules.canonical(call.target, module) for call in module.facts.calls if call.scope == scope
    }
    return "random.seed" in beside and "numpy.random.seed" in beside


def deterministic(tree: Tree) -> Found:
    return (
        tree.calls(
            "torch.use_deterministic_algorithms", where=lambda site: site.argument("mode", 0) != "False"
        )
        | tree.calls(
            "torch.set_deterministic",
            "torch.set_deterministic_debug_mode",
            "transformers.enable_full_determinism",
        )
        | tree.calls("tensorflow.config.experimental.enable_op_determinism", "monai.utils.set_determinism")
        | tree.assigns("torch.backends.cudnn.deterministic", where=_not_false, why="sets {}")
        | tree.keyword(
            "deterministic",
            of=("*Trainer", "*.Trainer"),
            where=_asks_determinism,
            why="passes deterministic to {}",
        )
        | tree.keyword("full_determinism", where=lambda site: site.argument("full_determinism") != "False")
        | tree.options(
            "full_determinism",
            "use_deterministic_algorithms",
            "deterministic_algorithms",
            kinds=("flag", "field"),
        )
        | tree.assigns(
            "os.environ['CUBLAS_WORKSPACE_CONFIG']", "os.environ['TF_DETERMINISTIC_OPS']", why="sets {}"
        )
        | tree.texts(
            r"xla_gpu_deterministic_ops=(true|1)",
            "assigned",
            "argument",
            "element",
            "formatted",
            why="sets {!r}",
        )
        | tree.inherited("reproducibility.deterministic")
    )


def _not_false(site: Site) -> bool:
    return site.assignment is not None and site.assignment.value != "False"


def _asks_determinism(site: Site) -> bool:
    return site.argument("deterministic") not in ("False", "None")


def pinned(tree: Tree) -> Found:
    evidence, near = [], []
    for file in tree.files:
        facts = file.requirements
        if (
            facts is None
            or not facts.requirements
            or file.facets & {"vendored", "generated", "test", "docs", "example"}
        ):
            continue
        runtime = [item for item in facts.requirements if not item.group]
        if facts.locked and (runtime or facts.format != "requirements"):
            evidence.append(
                tree.at(
                    file, 1, file.path, f"{file.path} locks {len(facts.requirements)} packages", "declared"
                )
            )
        elif runtime and _is_main(file.path) and all(item.pin for item in runtime):
            why = f"all {len(runtime)} requirements are pinned by =="
            evidence.append(tree.at(file, runtime[0].line, file.path, why, "declared"))
        elif runtime and any(item.pin for item in runtime):
            loose = next(item for item in runtime if not item.pin)
            why = f"{loose.name} is not pinned"
            near.append(tree.at(file, loose.line, loose.name, why, "declared"))
    return Found(ordered(evidence), ordered(near), ("lock files", "requirements pinned by =="))


def _is_main(path: str) -> bool:
    """The file that users install from; a pinned documentation or development list locks nothing that runs."""
    name = path.rpartition("/")[2].lower()
    return name in (
        "requirements.txt",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "environment.yml",
        "environment.yaml",
    ) and ("/" not in path or path.startswith("requirements/"))


def environment(tree: Tree) -> Found:
    return _recorded(tree, tree.references(*VERSIONS, why="records {}")) | tree.calls(
        *INVENTORIES, where=lambda site: not _prints(tree, site), why="records all packages with {}"
    )


def code_version(tree: Tree) -> Found:
    own = {module.name.partition(".")[0] for module in tree.code if module.in_package} - {""}
    versions = tree.references(*(f"{name}.__version__" for name in sorted(own)), why="records {}")
    commits = tree.calls(*COMMITS, why="reads the commit with {}") | _git_commands(tree)
    passed_on = commits.where(
        lambda item: _result_is_kept(tree, item), "the commit is read, but not written with a run"
    )
    return _recorded(tree, versions) | passed_on


def _git_commands(tree: Tree) -> Found:
    sites = (
        site
        for site in tree.call_sites("subprocess.*", "os.popen", "os.system", "*.run", "*.git")
        if _asks_git(site)
    )
    return tree.sites(sites, "asks git for the commit", ("git rev-parse HEAD",))


def _asks_git(site: Site) -> bool:
    text = " ".join(item.value for item in site.arguments)
    named = "git" in text or "git" in site.target.lower()
    return named and any(word in text for word in ("rev-parse", "describe", "rev-list"))


def _recorded(tree: Tree, found: Found) -> Found:
    """Keep what becomes a field of a record: the value of a dict entry, or a keyword that names a version."""
    return found.where(
        lambda item: _is_field(tree, item) and not _prints_whole(tree, item),
        "compared or shown, not written with a run",
    )


def _is_field(tree: Tree, item: Evidence) -> bool:
    module = tree.module_at[item.path]
    name = last(item.symbol)
    in_dict = any(
        entry.scope == item.scope
        and abs(entry.line - item.line) <= 1
        and _names(tree, module, entry.value, item.symbol)
        for entry in module.facts.items
    )
    stored = any(
        fact.line == item.line and "[" in fact.target and name in fact.value
        for fact in module.facts.assignments
    )
    return in_dict or stored or any(_takes_field(tree, module, call, item) for call in module.facts.calls)


def _takes_field(tree: Tree, module: Module, call: Call, item: Evidence) -> bool:
    """A keyword that names a version, or any field of a record that the tree defines."""
    if not call.line <= item.line <= call.line + 20 or last(call.target) in _SHOWS_VERSION:
        return False
    record = tree.modules.class_of(tree.modules.canonical(call.target, module)) is not None
    return any(
        last(item.symbol) in argument.value or argument.value == "..."
        for argument in call.arguments
        if argument.name.endswith("version") or (record and argument.name)
    )


def _names(tree: Tree, module: Module, value: str, symbol: str) -> bool:
    return value == "..." or tree.modules.canonical(value, module).removesuffix("()") == symbol


def _prints_whole(tree: Tree, item: Evidence) -> bool:
    """A function that prints and writes nothing is a report that a user must run by hand."""
    module = tree.module_at[item.path]
    inside = [last(call.target) for call in module.facts.calls if call.scope == item.scope]
    return "print" in inside and not any(name in WRITES for name in inside)


def _prints(tree: Tree, site: Site) -> bool:
    inside = [last(call.target) for call in site.module.facts.calls if call.scope == site.scope]
    return "print" in inside


def _result_is_kept(tree: Tree, item: Evidence) -> bool:
    """Whether a function that uses the commit, here or one call away, writes something."""
    users = tree.uses.users.get(tree.node(item), frozenset()) | {tree.node(item)}
    written = (f"*.{name}" for name in sorted(WRITES))
    return bool(users & tree.nodes_calling(*written, "*.write_*", "*.save_*", "*.dump_*"))


def declared_python(tree: Tree) -> Found:
    evidence = [
        tree.at(
            file,
            file.requirements.python_line or 1,
            "python",
            f"asks for Python {file.requirements.python}",
            "declared",
        )
        for file in tree.files
        if file.requirements is not None
        and file.requirements.python
        and not file.facets & {"vendored", "test", "docs"}
    ]
    return Found(ordered(evidence), looked_for=("requires-python", "python_requires", ".python-version"))
