"""What a run writes down of where it ran and of the code that ran."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.reproducibility_fields import is_recorded
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

HARDWARE = (
    "platform.python_version",
    "platform.platform",
    "platform.node",
    "platform.uname",
    "platform.system",
    "platform.release",
    "platform.machine",
    "platform.processor",
    "socket.gethostname",
    "sys.version",
    "sys.version_info",
    "torch.version.cuda",
    "torch.cuda.get_device_name",
    "torch.cuda.get_device_properties",
    "jax.devices",
    "psutil.virtual_memory",
    "os.uname",
)
PACKAGE_VERSION = (
    "importlib.metadata.version",
    "importlib_metadata.version",
    "pkg_resources.get_distribution",
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
WRITES = frozenset(
    (
        "dump save write write_text log_params log_param log_hyperparams set_tag set_tags add_text init update "
        "to_json push_to_hub safe_dump writelines"
    ).split()
)
NOT_WRITTEN = "compared or shown, not written with a run"
_STARTERS = ("subprocess.*", "os.popen", "os.system")
_ASKS_PACKAGES = re.compile(
    r"\b(?:pip3?|uv)\b.*\bfreeze\b|\bpip3?\b.*\blist\b|\bconda\b.*\b(?:list|export)\b"
)
_ASKS_COMMIT = re.compile(r"\bgit\b.*\b(?:rev-parse|describe|rev-list)\b")
_OF_COMMIT = re.compile(r"\b(?:rev-parse|describe|rev-list)\b")


def environment(tree: Tree) -> Found:
    own = _own_names(tree)
    versions = tree.references(
        "*.__version__", where=lambda site: _top(site) not in own | {"?", "self"}, why="records {}"
    ) | tree.calls(
        *PACKAGE_VERSION, where=lambda site: _asked(site) not in own, why="records a version with {}"
    )
    packages = tree.calls(*INVENTORIES, why="records all packages with {}") | tree.sites(
        _commands(tree, _ASKS_PACKAGES), "records all packages with a command", ("pip freeze",)
    )
    told = tree.references(*HARDWARE, why="records {}") | versions
    return told.where(lambda item: is_recorded(tree, item), NOT_WRITTEN) | _kept(
        tree, packages.where(lambda item: not _prints(tree, item), NOT_WRITTEN)
    )


def code_version(tree: Tree) -> Found:
    own = _own_names(tree)
    versions = tree.references(
        "*.__version__", where=lambda site: _top(site) in own, why="records {}"
    ) | tree.calls(
        *PACKAGE_VERSION, where=lambda site: _asked(site) in own, why="records the version with {}"
    )
    commits = (
        tree.calls(*COMMITS, why="reads the commit with {}")
        | tree.calls(
            "*.git", where=lambda site: bool(_OF_COMMIT.search(_words(site))), why="asks {} for the commit"
        )
        | tree.sites(_commands(tree, _ASKS_COMMIT), "asks git for the commit", ("git rev-parse HEAD",))
    )
    return versions.where(lambda item: is_recorded(tree, item), NOT_WRITTEN) | _kept(tree, commits)


def _top(site: Site) -> str:
    return site.target.partition(".")[0]


def _own_names(tree: Tree) -> frozenset[str]:
    """The packages of the tree."""
    return frozenset(module.name.partition(".")[0] for module in tree.code if module.in_package) - {""}


def _asked(site: Site) -> str:
    """The package whose version a call asks for, as its import name is usually written."""
    return site.argument("distribution_name", 0).strip("'\"").replace("-", "_")


def _commands(tree: Tree, asks: re.Pattern[str]) -> Iterator[Site]:
    """Commands that are started with these words, directly or through a helper of the tree that starts them."""
    helpers = sorted(tree.nodes_calling(*_STARTERS))
    for site in tree.call_sites(*_STARTERS, "*.run", *helpers):
        if asks.search(_words(site)):
            yield site


def _words(site: Site) -> str:
    """What a call is given, as one line: a command is a string or a list of its words."""
    return re.sub(r"[\[\](),'\"]+", " ", " ".join(item.value for item in site.arguments))


def _prints(tree: Tree, item: Evidence) -> bool:
    calls = tree.module_at[item.path].facts.calls
    return any(last(call.target) == "print" for call in calls if call.scope == item.scope)


def _kept(tree: Tree, found: Found) -> Found:
    """What a function writes that reads it or asks another function for it, with the places where it is asked."""
    written = tree.nodes_calling(
        *(f"*.{name}" for name in sorted(WRITES)), "*.write_*", "*.save_*", "*.dump_*"
    )

    def writers(item: Evidence) -> frozenset[str]:
        node = tree.node(item)
        return (tree.uses.users.get(node, frozenset()) | {node}) & written

    kept = found.where(lambda item: bool(writers(item)), NOT_WRITTEN)
    helpers = sorted({tree.node(item) for item in kept.evidence if item.scope})
    asked = tree.calls(
        *helpers, where=lambda site: node_of(site.module, site.scope) in written, why="writes what {} reads"
    )
    return kept | Found(evidence=asked.evidence)
