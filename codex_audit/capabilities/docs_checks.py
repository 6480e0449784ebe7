"""The checks behind the probes of documentation."""

from __future__ import annotations

import re

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import DocFacts, FileFacts
from codex_audit.query.found import Found, ordered
from codex_audit.query.project import says_nothing
from codex_audit.query.tree import Tree

FEWEST_PAGES = 5
_ASIDE = frozenset({"vendored", "generated", "test", "docs"})
LEAST_PROSE = 12
_EXAMPLE_WORDS = frozenset(
    "example examples script scripts recipe recipes notebook notebooks tutorial tutorials demos".split()
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
_PYTHON = frozenset({"python", "python3", "py", "pycon", "ipython"})
_DEFINES = re.compile(r"^(?:class|def|async def)\s+\w+|^@\w+", re.MULTILINE)
_CONSOLE_SCRIPT = re.compile(r"^\s*([\w.-]+)\s*=\s*[\w.]+:[\w.]+", re.MULTILINE)
_NOT_RUN = re.compile(
    r"^\s*(\$\s*)?(git|cd|source|export|mkdir|pip3?|conda|virtualenv|cp|wget|curl|make\s+(install|test|lint)|bash\s+install)\b"
)
_STEPS = re.compile(
    r"^\s*(\$\s*)?(git\s+(clone|checkout|commit|push|remote)|pip|uv|conda|pytest|make|pre-commit|tox|nox|poetry|hatch)\b",
    re.M,
)


def readme(tree: Tree) -> Found:
    installs, runs = [], []
    commands = _own_commands(tree)
    for file in tree.paths("/readme", "/readme.*"):
        if file.doc is None or "/" in file.path:
            continue
        to_paste = [(item.text, item.line, item.language) for item in file.doc.fences]
        to_paste += [(item.name, item.line, "") for item in file.doc.spans if " " in item.name]
        for text, line, language in to_paste:
            if _INSTALL.search(text):
                installs.append(tree.at(file, line, "install", "says how to install", "declared"))
            if _runs(text, commands) or (language in _PYTHON and _DEFINES.search(text)):
                runs.append(tree.at(file, line, "run", "says how to run", "declared"))
    install = Found(ordered(installs), looked_for=("an install command in the README",))
    return install & Found(ordered(runs), looked_for=("a command or code to run in the README",))


def _own_commands(tree: Tree) -> frozenset[str]:
    """What the project installs as commands: declared scripts, and the files of a top-level ``bin`` folder."""
    declared = (
        item.key.rpartition(".")[2]
        for _, item in tree.setting_items(
            "/pyproject.toml", r"(project|tool\.poetry|tool\.flit)\.scripts\..+"
        )
    )
    texts = (
        item.value
        for _, item in tree.setting_items("/setup.cfg", r"options\.entry_points\.console_scripts.*")
    )
    setup = tree.module_at.get("setup.py")
    in_setup = (text.text for text in setup.facts.texts) if setup is not None else ()
    scripts = (found[1] for text in (*texts, *in_setup) for found in _CONSOLE_SCRIPT.finditer(text))
    folders = ("bin/", "scripts/")
    shipped = (
        file.path.rpartition("/")[2]
        for file in tree.files
        if file.path.startswith(folders) and file.path.count("/") == 1 and "." not in file.path
    )
    return frozenset((*declared, *scripts, *shipped))


def _runs(text: str, commands: frozenset[str]) -> bool:
    """Whether a line of a code block runs something of the project: Python code, a script, or its own command."""
    for line in text.splitlines():
        words = line.strip().lstrip("$%!>").split()
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
        "/_quarto.yml",
        "docs/_quarto.yml",
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
        if file.python is not None and _is_example(tree, file)
    ]
    scripts = [
        tree.at(file, 1, file.path, "a runnable script", "declared")
        for file in tree.files
        if file.path.endswith(".sh") and not file.facets & _ASIDE and _in_example_folder(file.path)
    ]
    ready = Found(
        ordered(runnable + scripts), looked_for=("examples/", "scripts/", "recipes/", "notebooks/")
    ).preferring(lambda item: _runs_by_itself(tree, item), "a part of an example")
    return ready | _commands(tree)


def _in_example_folder(path: str) -> bool:
    """Whether a folder is one of examples by a word of its name (``sample_run_scripts``)."""
    *folders, _ = path.lower().split("/")
    return any(word in _EXAMPLE_WORDS for folder in folders for word in re.split(r"[_.-]", folder))


def _is_example(tree: Tree, file: FileFacts) -> bool:
    """A file of an example folder that does something when run, or a notebook that uses the project. Inside a
    package only a script with a main guard is runnable; its other files are modules."""
    facts = file.python
    notebook = file.path.endswith(".ipynb")
    inside = _in_example_folder(file.path)
    if facts is None or file.facets & (_ASIDE - {"docs"} if notebook and inside else _ASIDE):
        return False
    if notebook:
        return inside or any(tree.modules.defines_top(item.target) for item in facts.imports)
    if "package" in file.facets:
        return inside and bool(facts.main_guard)
    return inside and bool(facts.calls or facts.functions)


def _runs_by_itself(tree: Tree, item: Evidence) -> bool:
    facts = tree.by_path[item.path].python
    return facts is None or bool(facts.main_guard) or item.path.endswith(".ipynb")


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
