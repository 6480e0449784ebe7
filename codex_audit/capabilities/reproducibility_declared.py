"""What a tree declares of what it needs: locked dependencies and the version of Python."""

from __future__ import annotations

from codex_audit.query.found import Found, ordered
from codex_audit.query.tree import Tree

_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg")


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
        if _of_part(tree, file.path):
            continue
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


def _of_part(tree: Tree, path: str) -> bool:
    """Whether a file belongs to a project of its own inside the tree: it locks that part alone."""
    folder = path.rpartition("/")[0]
    whole = any(name in tree.by_path for name in _PROJECTS)
    return bool(folder) and whole and any(f"{folder}/{name}" in tree.by_path for name in _PROJECTS)


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
