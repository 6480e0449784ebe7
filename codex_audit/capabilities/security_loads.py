"""Which loads of serialized files can run code that the file holds."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found, fails, holds_by_absence, ordered
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

UNSAFE = (
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "cPickle.load",
    "cloudpickle.load",
    "dill.load",
    "joblib.load",
    "pandas.read_pickle",
    "shelve.open",
    "marshal.load",
    "yaml.unsafe_load",
    "yaml.full_load",
)


def safe_load(tree: Tree) -> Found:
    unsafe = [*_unsafe_pickles(tree), *_unsafe_torch(tree), *_unsafe_yaml(tree), *_unsafe_numpy(tree)]
    looked_for = (
        *UNSAFE,
        "torch.load without weights_only",
        "yaml.load without a safe loader",
        "numpy.load(allow_pickle=True)",
    )
    if unsafe:
        return fails(f"{unsafe[0].path}:{unsafe[0].line} {unsafe[0].why}", unsafe, looked_for)
    safe = tree.calls(
        "yaml.safe_load",
        "safetensors.*.load_file",
        "safetensors.*.load_model",
        "safetensors.safe_open",
        why="loads safely with {}",
    )
    safe |= tree.calls("torch.load", where=_weights_only, why="loads weights only")
    safe |= tree.calls("yaml.load", "yaml.load_all", where=_safe_loader, why="loads safely with {}")
    return (
        Found(
            evidence=safe.evidence,
            holds=True,
            looked_for=looked_for,
            reason="every load of a serialized file is safe",
        )
        if safe
        else holds_by_absence("nothing loads a serialized file that could run code", looked_for)
    )


def _unsafe(tree: Tree, sites: list[Site], why: str) -> list[Evidence]:
    return [
        tree.at(site.module.file, site.line, site.target, why.format(site.target), "called", site.scope)
        for site in sites
        if not site.module.file.facets & {"test", "vendored", "generated", "docs"}
    ]


def _unsafe_pickles(tree: Tree) -> list[Evidence]:
    sites = [
        site
        for site in tree.call_sites(*UNSAFE)
        if not _unpacks_own_message(site) and not _is_restricted(tree, site) and not tree.why_not(site)
    ]
    return list(ordered(_unsafe(tree, sites, "{} can run code of the file")))


def _unpacks_own_message(site: Site) -> bool:
    """``loads`` of what the same function packs with ``dumps``: a message between processes, or a deep copy."""
    library, _, name = site.target.rpartition(".")
    return name == "loads" and any(
        call.scope == site.scope and call.target == f"{library}.dumps" for call in site.module.facts.calls
    )


def _is_restricted(tree: Tree, site: Site) -> bool:
    """An unpickler of the tree whose ``find_class`` refuses what it does not know."""
    found = tree.modules.class_of(site.target.partition("()")[0])
    return found is not None and any(
        item.scope == f"{found[1].name}.find_class" for item in found[0].facts.raises
    )


def _weights_only(site: Site) -> bool:
    """``weights_only=True``, outright, by a parameter that is true unless the caller says otherwise, or in the
    keywords that the function gathers in a dictionary."""
    given = site.argument("weights_only")
    if not given and any(item.name == "**" for item in site.arguments):
        given = next(
            (
                item.value
                for item in site.module.facts.items
                if item.key == "weights_only" and item.scope == site.scope
            ),
            "",
        )
    return given == "True" or (given in ("?", "bool()") and _is_true_by_default(site.module, site.scope))


def _is_true_by_default(module: Module, scope: str) -> bool:
    function = module.functions.get(scope)
    return function is not None and any(
        item.name == "weights_only" and item.default == "True" for item in function.parameters
    )


def _unsafe_torch(tree: Tree) -> list[Evidence]:
    modern = _declares_safe_torch(tree)
    sites = [
        site
        for site in tree.call_sites("torch.load", "torch.serialization.load", "lightning.Fabric().load_raw")
        if last(site.target) == "load"
        and not _weights_only(site)
        and not tree.why_not(site)
        and (site.has("weights_only") or not modern)
    ]
    return _unsafe(tree, sites, "{} without weights_only=True can run code of the file")


def _declares_safe_torch(tree: Tree) -> bool:
    """Whether every declared range of torch starts at 2.6, where weights_only became the default."""
    specifiers = [item.specifier for _, item in tree.requirements("torch") if item.specifier or item.pin]
    return bool(specifiers) and all(not _admits_old(text) for text in specifiers)


def _admits_old(specifier: str) -> bool:
    old = ("1.13.1", "2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.5.1")
    return any(SpecifierSet(specifier).contains(version) for version in old)


def _unsafe_yaml(tree: Tree) -> list[Evidence]:
    sites = [
        site
        for site in tree.call_sites("yaml.load", "yaml.load_all")
        if not tree.why_not(site) and not _safe_loader(site)
    ]
    return _unsafe(tree, sites, "{} without a safe loader can run code of the file")


def _safe_loader(site: Site) -> bool:
    loader = last(site.argument("Loader") or site.argument("", 1))
    name = loader.lower()
    return ("safe" in name and "unsafe" not in name) or loader in ("BaseLoader", "CBaseLoader")


def _unsafe_numpy(tree: Tree) -> list[Evidence]:
    sites = [
        site
        for site in tree.call_sites("numpy.load")
        if site.argument("allow_pickle") == "True" and not tree.why_not(site)
    ]
    return _unsafe(tree, sites, "{} with allow_pickle can run code of the file")
