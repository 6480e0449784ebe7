"""Extensibility: how a user adds a component without editing the repository."""

from __future__ import annotations

from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.facts.model import Class
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

_BUILTIN_DECORATORS = frozenset({"atexit.register", "abc.ABC.register", "functools.singledispatch"})
_INSTANTIATORS = (
    "hydra.utils.instantiate",
    "hydra.utils.get_class",
    "hydra.utils.call",
    "*.instantiate_class",
)
# Inline code in a section: the file to copy, the class to derive from, the table to add a row to.
FEWEST_NAMES = 3
_NEW_COMPONENT = (
    r"^(?!.*\b(error|fail(ed|s)?|cannot|troubleshooting)\b)"
    r".*\b(add|adding|extend|extending|creat\w+|implement\w*|writ\w+|defin\w+|register\w*|contribut\w+)\b.{0,30}"
    r"\b(models?|datasets?|tasks?|plugins?|components?|trainers?|metrics?|tokenizers?|losses|layers?|callbacks?|"
    r"optimizers?|modules?|probes?|readers?|rules?|checks?|detectors?|connectors?|formats?|extensions?|backends?|"
    r"commands?|environments?)\b"
)


def registry(tree: Tree) -> Found:
    return (
        _register_functions(tree)
        | _registry_tables(tree)
        | tree.calls(*_INSTANTIATORS, why="builds a component from a class path with {}")
        | _imports_by_name(tree)
    )


def _register_functions(tree: Tree) -> Found:
    """A function or method that registers what it is given, and that somebody uses."""

    def registers(module: Module, name: str) -> bool:
        short = last(name)
        if (
            not (short.startswith("register") or short in ("add_handler", "add_url_rule"))
            or short == "register_buffer"
        ):
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
    )


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
        | tree.calls("*.load_setuptools_entrypoints", why="loads plug-ins of other packages with {}")
    )


def interfaces(tree: Tree) -> Found:
    return (
        tree.subclasses(
            "abc.ABC", "typing.Protocol", "typing_extensions.Protocol", why="an interface derived from {}"
        ).preferring(tree.derives_itself, "implements an interface of the tree")
        | tree.classes(
            lambda module, cls: "metaclass=abc.ABCMeta" in cls.bases,
            why="an abstract class {}",
            looked_for="abc.ABCMeta",
        )
        | tree.classes(
            _has_abstract_method,
            why="declares abstract methods in {}",
            looked_for="abstractmethod",
        )
        | _documented_base(tree)
    )


def _has_abstract_method(module: Module, cls: Class) -> bool:
    return any(
        function.scope == cls.name and any(last(mark).startswith("abstract") for mark in function.decorators)
        for function in module.facts.functions
    )


def _documented_base(tree: Tree) -> Found:
    """A documented base class with unimplemented methods and at least three implementations in the tree."""
    children: dict[str, int] = {}
    for module in tree.code:
        for cls in module.facts.classes:
            for base in tree.modules.ancestors(node_of(module, cls.name)):
                children[base] = children.get(base, 0) + 1

    def is_base(module: Module, cls: Class) -> bool:
        stubs = [
            function
            for function in module.facts.functions
            if function.scope == cls.name and function.stub and not last(function.name).startswith("__")
        ]
        return bool(stubs) and cls.documented and children.get(node_of(module, cls.name), 0) >= 3

    return tree.classes(
        is_base,
        why="a documented base class {} with several implementations",
        looked_for="a documented base class",
    )


def guide(tree: Tree) -> Found:
    return tree.headings(_NEW_COMPONENT, why="", least_words=30).where(
        lambda item: _shows_how(tree, item.path, item.line), "the section has no code or steps"
    )


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


CAPABILITY = Capability(
    id="extensibility",
    title="Extensibility",
    summary="A user can add a component without editing the repository, and knows how.",
    probes=(
        Probe(
            id="extensibility.registry",
            ask="Components are pluggable through a registry",
            motivation="A new model or dataset should be one new file, not an edit of a chain of ifs.",
            counts="register decorators, a mutable registry object, Hydra or importlib instantiation of a user-given "
            "class path",
            excludes="a fixed dict of built-in components, lazy imports of the package's own modules",
            risk="Every addition touches shared code, and forks drift apart.",
            remedy=Remedy(
                text="Keep components in a registry that a decorator fills, and look them up by name.",
                effort="hours",
                touches=("probe:modeling.by-name", "probe:modeling.network", "new:{package}/registry.py"),
            ),
            rollback="Replace look-ups by the former direct references.",
            references=("https://hydra.cc/docs/advanced/instantiate_objects/overview/",),
            check=registry,
            core=True,
        ),
        Probe(
            id="extensibility.plugins",
            ask="Third-party packages can plug in",
            motivation="Users of a framework extend it in packages of their own.",
            counts="importlib.metadata entry points that are loaded, pluggy, a documented plug-in directory",
            excludes="importlib.metadata for versions, discovery inside the package itself",
            risk="Extensions must be merged here or live in forks.",
            remedy=Remedy(
                text="Load an entry-point group into the registry when it is first used.",
                effort="hours",
                touches=("probe:extensibility.registry", "new:{package}/plugins.py"),
            ),
            rollback="Stop loading the group; built-in components stay.",
            references=("https://packaging.python.org/en/latest/specifications/entry-points/",),
            check=plugins,
        ),
        Probe(
            id="extensibility.interfaces",
            ask="Defines interfaces for its components",
            motivation="An interface says what a new component must do, and lets a type checker see it.",
            counts="abc.ABC or abstractmethod, typing.Protocol, a documented base class with several implementations",
            excludes="an undocumented base with two subclasses",
            risk="A new component breaks at run time where nobody said what was expected.",
            remedy=Remedy(
                text="State what a component must provide as a Protocol or an abstract base class.",
                effort="hours",
                touches=(
                    "probe:extensibility.registry",
                    "probe:modeling.network",
                    "new:{package}/interfaces.py",
                ),
            ),
            rollback="Drop the base class; implementations keep their methods.",
            references=("https://typing.python.org/en/latest/spec/protocol.html",),
            check=interfaces,
        ),
        Probe(
            id="extensibility.guide",
            ask="Documents how to add a component",
            motivation="The second contributor needs the steps that the first one found out.",
            counts="a section of the docs or the README that shows how to add a model, dataset, task or plug-in",
            excludes="a link to a page that is not in the tree",
            risk="Contributors copy the wrong example, or give up.",
            remedy=Remedy(
                text="Write one page that adds a small component from start to test.",
                effort="hours",
                touches=("file:docs/*extend*", "file:CONTRIBUTING.md", "new:docs/extending.md"),
            ),
            rollback="Delete the page.",
            references=("https://diataxis.fr/how-to-guides/",),
            check=guide,
            component="documentation",
        ),
    ),
)
