"""Deployment: how the code leaves the repository."""

from __future__ import annotations

from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.facts.model import CiFacts, Step
from codex_audit.query.found import Found
from codex_audit.query.project import says_nothing
from codex_audit.query.tree import Tree

_PUBLISHES = (
    r"\btwine\s+upload\b|\b(uv|poetry|hatch|flit|pdm|maturin)\s+publish\b|\bdocker\s+(buildx\s+build.*--)?push\b|"
    r"\bsetup\.py\s+.*\bupload\b|\bnpm\s+publish\b|\bgh\s+release\s+create\b|\bgoreleaser\b|\bsemantic-release\b|"
    r"\bconda\s+upload\b|\banaconda\s+upload\b|\bskopeo\s+copy\b|\bpodman\s+push\b"
)
_PUBLISHING_ACTIONS = (
    r"gh-action-pypi-publish|docker/build-push-action|action-gh-release|create-release|release-please|"
    r"python-semantic-release|pypa/.*publish|goreleaser|upload-release-asset|actions-pypi"
)


def package(tree: Tree) -> Found:
    return (
        tree.settings(
            "/pyproject.toml", r"build-system\.(build-backend|requires.*)", why="declares a build backend"
        )
        | tree.settings("/pyproject.toml", r"project\.name|tool\.poetry\.name", why="declares the package")
        | tree.settings("/setup.cfg", r"metadata\.name", why="declares the package")
        | tree.calls(
            "setuptools.setup", "distutils.core.setup", "skbuild.setup", why="builds the package with {}"
        ).where(lambda item: item.path == "setup.py", "not at the root of the tree")
    )


def entry_points(tree: Tree) -> Found:
    main = [
        file
        for file in tree.paths("*/__main__.py")
        if file.python is not None and "package" in file.facets and not says_nothing(file)
    ]
    return (
        tree.settings(
            "/pyproject.toml",
            r"(project|tool\.poetry|tool\.flit)\.(gui-)?scripts\..+",
            why="declares a command",
        )
        | tree.settings(
            "/pyproject.toml", r"project\.entry-points\.['\"]?console_scripts.*", why="declares a command"
        )
        | tree.settings(
            "/setup.cfg",
            r"options\.entry_points\.console_scripts.*|options\.scripts.*",
            why="declares a command",
        )
        | tree.keyword(
            "scripts", of=("setuptools.setup", "distutils.core.setup"), why="installs scripts with {}"
        )
        | _declared_in_setup(tree)
        | Found(
            evidence=tuple(
                tree.at(file, 1, file.path, "the package runs with python -m", "declared") for file in main
            ),
            looked_for=("a package __main__.py",),
        )
    )


def _declared_in_setup(tree: Tree) -> Found:
    """Console scripts of setup.py, shown at the key when they stand in a dictionary."""
    keys = tree.items("console_scripts", why="declares commands under {}")
    declared = tree.keyword(
        "entry_points",
        of=("setuptools.setup", "skbuild.setup"),
        where=lambda site: (
            "console_scripts" in site.argument("entry_points") or site.module.path in keys.paths()
        ),
        why="declares commands with {}",
    )
    shown = keys.where(lambda item: item.path in declared.paths(), "not handed to setup()")
    return shown if shown else declared


def container(tree: Tree) -> Found:
    recipes = [
        tree.at(file, item.line, item.value, f"builds on {item.value}", "declared")
        for file in tree.files
        if file.docker is not None and not file.facets & {"vendored", "test"}
        for item in file.docker.instructions[:1]
    ]
    return Found(tuple(recipes), looked_for=("Dockerfile", "Containerfile")) | tree.file(
        "*.def", "Singularity", "apptainer.def", where=lambda file: "container" in file.facets
    )


def release(tree: Tree) -> Found:
    return tree.steps(
        run=_PUBLISHES, uses=_PUBLISHING_ACTIONS, where=_is_real, why="publishes a release"
    ) | tree.calls(
        "subprocess.*",
        "os.system",
        where=lambda site: "twine" in str(site.arguments) and "upload" in str(site.arguments),
        why="publishes with twine",
    )


def _is_real(facts: CiFacts, step: Step) -> bool:
    """An echo of the command is advice."""
    return not step.run.lstrip().startswith(("echo", "#"))


CAPABILITY = Capability(
    id="deployment",
    title="Deployment",
    summary="The code installs, runs and is released by machines, not by hand.",
    probes=(
        Probe(
            id="deployment.package",
            ask="Installable as a package",
            motivation="What installs can be depended on, versioned and tested as users get it.",
            counts="at the tree's root: pyproject.toml with a build backend or project table, or setup.py or setup.cfg "
            "that names the package",
            excludes="a pyproject.toml that only configures tools",
            risk="Users copy files, and every copy is a fork.",
            remedy=Remedy(
                text="Declare the project and its build backend in pyproject.toml.",
                effort="minutes",
                touches=("file:pyproject.toml", "new:pyproject.toml"),
            ),
            rollback="Remove the two tables.",
            references=("https://packaging.python.org/en/latest/guides/writing-pyproject-toml/",),
            check=package,
            core=True,
        ),
        Probe(
            id="deployment.entry-points",
            ask="Declares command-line entry points",
            motivation="A declared command is what users run, and what can be tested as they run it.",
            counts="project.scripts or console_scripts, setup(scripts=), or a package __main__.py",
            excludes="a script that must be run from a checkout",
            risk="Users run files by path, and moving one breaks them.",
            remedy=Remedy(
                text="Declare the main function under project.scripts.",
                effort="minutes",
                touches=("file:pyproject.toml", "file:setup.py", "new:{package}/__main__.py"),
            ),
            rollback="Remove the entry; the function stays.",
            references=("https://packaging.python.org/en/latest/specifications/entry-points/",),
            check=entry_points,
        ),
        Probe(
            id="deployment.container",
            ask="Ships a container recipe",
            motivation="An image fixes the system libraries that a lock file does not.",
            counts="a Dockerfile, Containerfile or Apptainer definition for this project",
            excludes="a link to an image built elsewhere",
            risk="System libraries differ between machines, and so do the results.",
            remedy=Remedy(
                text="Add a Dockerfile that installs the locked dependencies and the package.",
                effort="hours",
                touches=("file:*Dockerfile*", "new:Dockerfile"),
            ),
            rollback="Delete the file.",
            references=("https://docs.docker.com/reference/dockerfile/",),
            check=container,
        ),
        Probe(
            id="deployment.release",
            ask="Releases are automated",
            motivation="A release made by a pipeline is made the same way each time, from a known commit.",
            counts="a CI workflow or script that builds and publishes a package or image",
            excludes="a version bump that publishes nothing",
            risk="A release is built from somebody's working folder.",
            remedy=Remedy(
                text="Add a workflow that builds and publishes when a version tag is pushed.",
                effort="hours",
                touches=(
                    "file:.github/workflows/*release*",
                    "file:.github/workflows/*publish*",
                    "new:.github/workflows/release.yml",
                ),
            ),
            rollback="Delete the workflow; releases go by hand again.",
            references=(
                "https://slsa.dev/spec/v1.0/requirements",
                "https://baseline.openssf.org/#osps-br-01",
            ),
            check=release,
            component="safeguards",
        ),
    ),
)
