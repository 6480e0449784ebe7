"""Documentation: what a newcomer can learn from the tree itself."""

from __future__ import annotations

import re

from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.facts.model import DocFacts, FileFacts
from codex_audit.query.found import Found, ordered
from codex_audit.query.project import says_nothing
from codex_audit.query.tree import Tree

FEWEST_PAGES = 5
LEAST_PROSE = 12
EXAMPLE_FOLDERS = frozenset(
    {
        "example",
        "examples",
        "script",
        "scripts",
        "recipe",
        "recipes",
        "notebook",
        "notebooks",
        "tutorial",
        "tutorials",
        "demos",
    }
)

_INSTALL = re.compile(
    r"\b(pip3?|uv|uvx|conda|mamba|micromamba|poetry|pdm|pixi|pipx|brew|apt(-get)?)\s+(\w+\s+)?(-\S+\s+)*"
    r"(install|add|sync|create|env\s+create)\b|\bpython3?\s+setup\.py\s+(install|develop)\b|\bdocker\s+(pull|build)\b|\bmake\s+install\b"
)
_RUN = re.compile(
    r"^\s*(\$\s*|>\s*|!)?((\w+=\S+\s+)*(python3?|torchrun|accelerate|deepspeed|bash|sh|make|uv\s+run|poetry\s+run|"
    r"docker\s+run|docker\s+compose|streamlit|jupyter|CUDA_VISIBLE_DEVICES=\S+)\s+(?!setup\.py|-m\s+(pip|venv|virtualenv))\S+)|"
    r"^\s*(>>>\s*)?(from\s+[\w.]+\s+import\s+|import\s+\w+)",
    re.MULTILINE,
)
_NOT_RUN = re.compile(
    r"^\s*(\$\s*)?(git|cd|source|export|mkdir|pip3?|conda|virtualenv|cp|wget|curl|make\s+(install|test|lint)|bash\s+install)\b"
)
_STEPS = re.compile(
    r"^\s*(\$\s*)?(git\s+(clone|checkout|commit|push|remote)|pip|uv|conda|pytest|make|pre-commit|tox|nox|poetry|hatch)\b",
    re.M,
)


def readme(tree: Tree) -> Found:
    installs, runs = [], []
    for file in tree.paths("/readme", "/readme.*"):
        if file.doc is None or "/" in file.path:
            continue
        for fence in file.doc.fences:
            if _INSTALL.search(fence.text):
                installs.append(tree.at(file, fence.line, "install", "says how to install", "declared"))
            if _runs(tree, fence.text):
                runs.append(tree.at(file, fence.line, "run", "says how to run", "declared"))
    install = Found(ordered(installs), looked_for=("an install command in the README",))
    return install & Found(ordered(runs), looked_for=("a command or code to run in the README",))


def _runs(tree: Tree, text: str) -> bool:
    """Whether a line of a code block runs something of the project: Python code, a script, or its own command."""
    commands = {
        item.key.rpartition(".")[2]
        for _, item in tree.setting_items("/pyproject.toml", r"project\.scripts\..+")
    }
    for line in text.splitlines():
        words = line.strip().removeprefix("$").removeprefix("%").removeprefix("!").split()
        if words and (words[0] in commands or (_RUN.match(line) and not _NOT_RUN.match(line))):
            return True
    return False


def site(tree: Tree) -> Found:
    sources = tree.file(
        "/mkdocs.yml",
        "/mkdocs.yaml",
        "/zensical.toml",
        "docs/mkdocs.yml",
        "*/docusaurus.config.*",
        "/docusaurus.config.*",
        "doc/conf.py",
        "docs/conf.py",
        "doc/source/conf.py",
        "docs/source/conf.py",
        "docs/_toctree.yml",
        "docs/source/_toctree.yml",
        "docs/source/*/_toctree.yml",
        "docs/_config.yml",
        "docs/antora.yml",
        "book.toml",
        "/myst.yml",
        "docs/myst.yml",
        why="configures a documentation site",
    )
    pages = [
        file
        for file in tree.docs()
        if file.path.split("/")[0].lower() in ("doc", "docs", "documentation") and not says_nothing(file)
    ]
    if len(pages) >= FEWEST_PAGES:
        first = [tree.at(file, 1, file.path, f"one of {len(pages)} pages", "declared") for file in pages[:3]]
        sources = sources | Found(tuple(first))
    return sources


def examples(tree: Tree) -> Found:
    runnable = [
        tree.at(file, file.python.main_guard or 1, file.path, "a runnable example", "declared")
        for file in tree.files
        if file.python is not None
        and not file.facets & {"vendored", "generated", "test", "docs"}
        and _is_example(file)
    ]
    scripts = [
        tree.at(file, 1, file.path, "a runnable script", "declared")
        for file in tree.files
        if file.path.endswith(".sh")
        and file.excerpts
        and "example" in file.facets
        and not file.facets & {"vendored", "generated", "test"}
    ]
    return Found(
        ordered(runnable + scripts), looked_for=("examples/", "scripts/", "recipes/", "notebooks/")
    ) | _commands(tree)


def _is_example(file: FileFacts) -> bool:
    """A notebook, or a file of an example folder that does something when run. Inside a package only a script with
    a main guard is runnable; its other files are modules."""
    facts = file.python
    if facts is None or not EXAMPLE_FOLDERS & set(file.path.split("/")[:-1]):
        return False
    if file.path.endswith(".ipynb"):
        return True
    if "package" in file.facets:
        return bool(facts.main_guard)
    return bool(facts.calls or facts.functions)


def _commands(tree: Tree) -> Found:
    """Training commands of the README whose configuration file is shipped."""
    paths = [
        file.path
        for file in tree.files
        if "config" in file.facets or file.path.endswith((".yaml", ".yml", ".json"))
    ]
    evidence = [
        tree.at(file, fence.line, path, f"a command with the shipped {path}", "declared")
        for file in tree.paths("/readme.*")
        if file.doc is not None and "/" not in file.path
        for fence in file.doc.fences
        for path in paths
        if "/" in path and path in fence.text
    ]
    return Found(ordered(evidence[:5]), looked_for=("README commands with shipped configurations",))


def changelog(tree: Tree) -> Found:
    return tree.file(
        "/changelog*",
        "/changes*",
        "/history*",
        "/news*",
        "/release_notes*",
        "/releases.md",
        "/whatsnew*",
        "docs/changelog*",
        "docs/changes*",
        "docs/release*notes*",
        "docs/*/changelog*",
        "docs/releases.*",
        "docs/history*",
        "docs/whatsnew/*",
        "doc/whatsnew/*",
        "docs/release/*",
        "doc/release/*",
        "docs/source/changelog*",
        "doc/changelog*",
        "docs/*/release*notes*",
        where=_has_entries,
        why="records changes",
    )


def _has_entries(file: FileFacts) -> bool:
    """More than a heading: an empty or placeholder file keeps nothing."""
    if file.path.endswith((".txt", ".adoc")) or file.doc is None:
        return not file.path.endswith((".md", ".rst")) and file.doc is None and not file.blank
    return file.doc.prose >= LEAST_PROSE or len(file.doc.headings) >= 3


def contributing(tree: Tree) -> Found:
    files = tree.file(
        "/contributing*",
        ".github/contributing*",
        "docs/contributing*",
        "docs/*/contributing*",
        "doc/contributing*",
        "docs/developer/*",
        "docs/development/*",
        "docs/source/contributing*",
        "/hacking*",
        "/development.*",
        where=lambda file: file.doc is not None and _has_steps(file.doc, 0, 1 << 30),
        why="explains how to contribute",
    )
    sections = [
        tree.at(file, heading.line, heading.text, "explains how to contribute", "declared")
        for file in tree.docs()
        if file.doc is not None and file.path.lower().startswith(("readme", "docs/readme"))
        for heading in file.doc.headings
        if re.search(r"contribut", heading.text, re.IGNORECASE)
        and _has_steps(file.doc, heading.line, _next(file.doc, heading.line))
    ]
    return files | Found(tuple(sections), looked_for=("a section on contributing",))


def _next(doc: DocFacts, line: int) -> int:
    """The line of the next heading that is not below the one at ``line``."""
    level = next(heading.level for heading in doc.headings if heading.line == line)
    return min(
        (item.line for item in doc.headings if item.line > line and item.level <= level), default=1 << 30
    )


def _has_steps(doc: DocFacts, start: int, end: int) -> bool:
    """Commands to copy, or enough sections and prose to follow."""
    commands = any(start < fence.line < end and _STEPS.search(fence.text) for fence in doc.fences)
    spans = [span for span in doc.spans if start < span.line < end and " " in span.name.strip()]
    inner = [heading for heading in doc.headings if start < heading.line < end]
    return commands or len(spans) >= 2 or (len(inner) >= 3 and doc.prose >= 150)


def license_file(tree: Tree) -> Found:
    return tree.file(
        "/license",
        "/license.*",
        "/license-*",
        "/licence",
        "/licence.*",
        "/copying",
        "/copying.*",
        "/unlicense",
        "licenses/*",
        "/mit-license*",
        why="the licence",
    )


CAPABILITY = Capability(
    id="docs",
    title="Documentation",
    summary="A newcomer can install, run, follow and join the project from what the tree holds.",
    probes=(
        Probe(
            id="docs.readme",
            ask="README says how to install and how to run",
            motivation="The first two commands decide whether anybody sees the rest.",
            counts="both, with commands or code to paste",
            excludes="a link to documentation elsewhere",
            risk="Users guess, and report what they guessed wrong.",
            remedy=Remedy(
                text="Add one install command and one run command to the README.",
                effort="minutes",
                touches=("file:README*", "new:README.md"),
            ),
            rollback="Revert the README.",
            references=("https://baseline.openssf.org/#osps-do-01",),
            check=readme,
            component="documentation",
            core=True,
        ),
        Probe(
            id="docs.site",
            ask="Has a documentation site's sources",
            motivation="Documentation in the tree changes with the code that it describes.",
            counts="mkdocs.yml, Sphinx conf.py, docusaurus, or a docs folder with at least five pages",
            excludes="a link to a site whose sources are elsewhere",
            risk="The site describes another version than the one installed.",
            remedy=Remedy(
                text="Keep the pages under docs/ with the site's configuration beside them.",
                effort="days",
                touches=("file:docs/*", "new:mkdocs.yml", "+new:docs/index.md"),
            ),
            rollback="Delete the folder.",
            references=("https://diataxis.fr/",),
            check=site,
        ),
        Probe(
            id="docs.examples",
            ask="Ships runnable examples or notebooks",
            motivation="A runnable example is documentation that can be tested.",
            counts="an examples/, scripts/, recipes/ or notebooks/ folder with runnable files, or README training "
            "commands with shipped configurations",
            excludes="links to examples that the tree does not hold",
            risk="Users assemble their first run from fragments, each a little differently.",
            remedy=Remedy(
                text="Ship one script that trains a small model in a minute.",
                effort="hours",
                touches=("file:examples/*", "new:examples/train_small.py"),
            ),
            rollback="Delete the script.",
            references=("https://diataxis.fr/tutorials/",),
            check=examples,
        ),
        Probe(
            id="docs.changelog",
            ask="Keeps a changelog",
            motivation="Users must know what an upgrade changes before they upgrade.",
            counts="a CHANGELOG, HISTORY or NEWS file or release-notes pages in the repository",
            excludes="a news list in the README, an empty or placeholder file",
            risk="An upgrade changes results, and nobody can look up why.",
            remedy=Remedy(
                text="Start CHANGELOG.md with what the next release changes.",
                effort="minutes",
                touches=("file:CHANGELOG*", "new:CHANGELOG.md"),
            ),
            rollback="Delete the file.",
            references=("https://keepachangelog.com/",),
            check=changelog,
        ),
        Probe(
            id="docs.contributing",
            ask="Explains how to contribute",
            motivation="Contributors need the steps from a clone to a change that can be merged.",
            counts="a CONTRIBUTING file or section with steps",
            excludes="a sentence that welcomes contributions, a link elsewhere",
            risk="Contributions arrive untested and in every style.",
            remedy=Remedy(
                text="Write CONTRIBUTING.md: set up, test, style, how to propose a change.",
                effort="minutes",
                touches=("file:CONTRIBUTING*", "new:CONTRIBUTING.md"),
            ),
            rollback="Delete the file.",
            references=("https://baseline.openssf.org/#osps-gv-03",),
            check=contributing,
        ),
        Probe(
            id="docs.license",
            ask="Has a license file",
            motivation="Without a licence nobody may use the code.",
            counts="a LICENSE, LICENCE or COPYING file at the root",
            excludes="a licence field without the text",
            risk="Users cannot use or redistribute the work lawfully.",
            remedy=Remedy(
                text="Add the text of the chosen licence as LICENSE.",
                effort="minutes",
                touches=("new:LICENSE",),
            ),
            rollback="Delete the file.",
            references=("https://choosealicense.com/", "https://baseline.openssf.org/#osps-le-03"),
            check=license_file,
            component="safeguards",
        ),
    ),
)
