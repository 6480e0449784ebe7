"""Command lines that override settings."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

PARSERS = (
    "argparse.ArgumentParser",
    "argparse._SubParsersAction().add_parser",
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
_TOOLS = frozenset(
    "setup.py conf.py noxfile.py tasks.py fabfile.py conftest.py release.py bump_version.py versioneer.py".split()
)
_TOOL_FOLDERS = frozenset(
    ".github .circleci .ci ci doc docs dev devtools maint release admin build_tools".split()
)


def override(tree: Tree) -> Found:
    decorated = tree.functions(
        lambda module, function: any(
            tree.modules.canonical(mark, module)
            in ("click.command", "click.group", "click.option", "hydra.main")
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
        | tree.inherited("config.override")
    )
    parsers = found.where(
        lambda item: not is_tooling(tree, item), "a tool of development, not of the program"
    )
    flags = tree.calls("*.add_argument", where=_declares_flag, why="declares a flag with {}")
    return parsers | flags.where(lambda item: not is_tooling(tree, item), "a tool") if parsers else parsers


def _declares_flag(site: Site) -> bool:
    return any(item.value.startswith(("'--", '"--')) for item in site.arguments if not item.name)


def _own_parsers(tree: Tree) -> Iterator[Site]:
    """A loop over ``sys.argv`` that splits at ``=`` or looks for ``--``."""
    for module in tree.code:
        scopes = {
            item.scope: item.line for item in module.facts.references if item.name.startswith("sys.argv")
        }
        for scope, line in scopes.items():
            marks = {text.text for text in module.facts.texts if text.scope == scope}
            splits = any(
                last(call.target) in ("split", "partition", "startswith")
                for call in module.facts.calls
                if call.scope == scope
            )
            if splits and marks & {"=", "--"}:
                yield Site(module, "sys.argv", line, scope)


def is_tooling(tree: Tree, item: Evidence) -> bool:
    """Whether a place belongs to packaging, documentation or housekeeping."""
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
    return relative or bool(
        imported
        & (
            tops
            | {
                "torch",
                "jax",
                "tensorflow",
                "keras",
                "transformers",
                "datasets",
                "numpy",
                "sklearn",
                "pandas",
            }
        )
    )
