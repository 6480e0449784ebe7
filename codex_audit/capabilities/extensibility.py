"""Extensibility: how a user adds a component without editing the repository."""

from __future__ import annotations

from codex_audit.capabilities import extensibility_checks as checks
from codex_audit.capabilities import extensibility_interfaces
from codex_audit.capabilities.model import Capability, Probe, Remedy

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
            check=checks.registry,
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
            check=checks.plugins,
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
            check=extensibility_interfaces.interfaces,
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
            check=checks.guide,
            component="documentation",
        ),
    ),
)
