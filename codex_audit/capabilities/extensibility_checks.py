"""The checks behind the probes of extensibility: registries, plug-ins, and guides."""

from __future__ import annotations

import re

from codex_audit.capabilities.extensibility_interfaces import interfaces
from codex_audit.query.found import Found, ordered
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

# Methods of a network: what they register is a part of it.
_NO_COMPONENT = re.compile(r"register_\w*(buffer|parameter)|register_(\w+_)?hook")
_LOCATORS = ("pydoc.locate", "pkgutil.resolve_name", "*.import_string", "*.import_from_string")
_INSTANTIATORS = (
    "hydra.utils.instantiate",
    "hydra.utils.get_class",
    "hydra.utils.call",
    "*.instantiate_class",
)
# Inline code in a section: the file to copy, the class to derive from, the table to add a row to.
FEWEST_NAMES = 3
_DERIVES = re.compile(r"^class\s+\w+\(([\w., \t]+)\):", re.MULTILINE)
_CALLS = re.compile(r"([A-Za-z_]\w*)\(")
_IMPORTS = re.compile(r"^\s*(?:>>>\s*)?(?:from|import)\s+([A-Za-z_][\w.]*)", re.MULTILINE)
_NEW_COMPONENT = (
    r"^(?!.*\b(virtual\w*|conda|creat\w+ an environment|error|fail(ed|s)?|cannot|troubleshooting)\b)"
    r".*\b(add(?:ing)?|extend(?:ing)?|creat(?:e|ing)|implement(?:ing)?|writ(?:e|ing)|defin(?:e|ing)|register(?:ing)?|"
    r"contribut(?:e|ing))\b"
    r"(?:(?!\b(?:with|in|from|using|via|into|by)\b).){0,30}"
    r"\b(models?|datasets?|tasks?|plugins?|components?|trainers?|metrics?|tokenizers?|losses|layers?|callbacks?|"
    r"optimizers?|modules?|probes?|readers?|rules?|checks?|detectors?|connectors?|formats?|extensions?|backends?|"
    r"commands?|environments?|middlewares?|convert[eo]rs?|handlers?|hooks?|filters?|transforms?|samplers?|schedulers?|"
    r"serializers?|adapters?|providers?|strateg(?:y|ies)|estimators?|kernels?|architectures?|encoders?|decoders?|"
    r"agents?|algorithms?|benchmarks?|evaluators?|collators?|templates?)\b"
)


def registry(tree: Tree) -> Found:
    return (
        _register_functions(tree)
        | _registry_tables(tree)
        | tree.calls(*_INSTANTIATORS, why="builds a component from a class path with {}")
        | _imports_by_name(tree)
    ).where(lambda item: item.place != "docs", "a tool of the documentation")


def _register_functions(tree: Tree) -> Found:
    """A function or method that registers what it is given, and that somebody uses."""

    def registers(module: Module, name: str) -> bool:
        short = last(name)
        if not (
            short.startswith("register") or short in ("add_handler", "add_url_rule")
        ) or _NO_COMPONENT.fullmatch(short):
            return False
        return any(
            item.scope.startswith(name) and "[" in item.target for item in module.facts.assignments
        ) or any(
            call.scope.startswith(name)
            and last(call.target) in ("append", "add", "setdefault", "update", "register", "insert")
            for call in module.facts.calls
        )

    return tree.functions(
        lambda module, function: registers(module, function.name),
        why="registers components in {}",
        looked_for="a function that registers components",
    )


def _registry_tables(tree: Tree) -> Found:
    """A class or object named a registry whose entries are looked up by name."""
    return tree.classes(
        lambda module, cls: (
            cls.name.lower().endswith("registry")
            and any(name.startswith(f"{cls.name}.") for name in module.functions)
        ),
        why="keeps components in {}",
        looked_for="a registry class",
    ) | tree.calls(
        "*Registry", why="makes a registry with {}", where=lambda site: bool(site.call and site.call.bound)
    )


def _imports_by_name(tree: Tree) -> Found:
    """A class path given by the user, imported and looked up: ``getattr(importlib.import_module(path), name)``."""
    looked_up = tree.nodes_calling("getattr")
    return tree.calls(
        "importlib.import_module",
        where=lambda site: node_of(site.module, site.scope) in looked_up and _from_outside(site),
        why="loads a component from a class path",
    ) | tree.calls(*_LOCATORS, where=_from_outside, why="loads a component from a class path")


def _from_outside(site: Site) -> bool:
    """The name is computed or passed in; a fixed one is an import, and ``__name__`` is lazy loading."""
    value = site.argument("name", 0)
    function = site.module.functions.get(site.scope)
    return (
        not value.startswith(("'", '"'))
        and function is not None
        and not last(function.name).startswith("__getattr")
    )


def plugins(tree: Tree) -> Found:
    return (
        tree.calls(
            "importlib.metadata.entry_points",
            "importlib_metadata.entry_points",
            "pkg_resources.iter_entry_points",
            "stevedore.*",
            why="finds plug-ins of other packages with {}",
        )
        | tree.calls("pluggy.PluginManager", why="manages plug-ins with {}")
        | tree.keyword(
            "entry_points",
            where=lambda site: site.argument("entry_points") == "True",
            why="finds entry points with {}",
        )
        | _user_folders(tree)
        | tree.calls("*.load_setuptools_entrypoints", why="loads plug-ins of other packages with {}")
    )


def _user_folders(tree: Tree) -> Found:
    """A flag for a folder or module of the user's own, in a tree that imports files by their path."""
    flags = tree.options(
        "user_dir",
        "user_module",
        "plugin*",
        "plugins_*",
        "extension_dir",
        "extensions",
        "custom_module*",
        "include_path",
        "external_module*",
        kinds=("flag",),
        why="imports components from a folder of the user",
    )
    imports = tree.calls("runpy.run_path", where=_from_outside) | tree.calls(
        "importlib.util.spec_from_file_location",
        where=lambda site: not (site.argument("location", 1) or "'").startswith(("'", '"')),
    )
    return flags if imports else flags.as_near("nothing imports files by their path")


def guide(tree: Tree) -> Found:
    sections = tree.headings(_NEW_COMPONENT, why="", least_words=30).where(
        lambda item: _shows_how(tree, item.path, item.line), "the section has no code or steps"
    )
    return sections | _worked_examples(tree)


def _worked_examples(tree: Tree) -> Found:
    """Code in a document that derives from an interface of the tree, or registers a component with it."""
    bases = {item.scope for item in interfaces(tree).evidence if not last(item.scope).startswith("_")}
    makers = {last(item.scope) for item in _register_functions(tree).evidence} - {"register"}
    evidence = []
    for file in tree.docs():
        for fence in file.doc.fences if file.doc is not None else ():
            parents = {
                last(name.strip()) for found in _DERIVES.findall(fence.text) for name in found.split(",")
            }
            shown = sorted(parents & bases) + sorted(makers.intersection(_CALLS.findall(fence.text)))
            if shown and _imports_from(tree, fence.text):
                why = f"shows how to add a component with {shown[0]}"
                evidence.append(tree.at(file, fence.line, shown[0], why, "declared"))
    return Found(ordered(evidence), looked_for=("code that derives from an interface of the tree",))


def _imports_from(tree: Tree, text: str) -> bool:
    return any(tree.modules.defines_top(name) for name in _IMPORTS.findall(text))


def _shows_how(tree: Tree, path: str, line: int) -> bool:
    """Whether code to copy, or the names to write it by, stand between this heading and the next one."""
    doc = tree.by_path[path].doc
    if doc is None:
        return False
    after = [heading.line for heading in doc.headings if heading.line > line]
    end = min(after, default=1 << 30)
    level = next((heading.level for heading in doc.headings if heading.line == line), 1)
    if level <= 1:
        end = 1 << 30
    spans = [span for span in doc.spans if line < span.line < end]
    return len(spans) >= FEWEST_NAMES or any(line < fence.line < end for fence in doc.fences)
