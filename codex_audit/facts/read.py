"""One file to all its facts: which readers it has by name, each isolated from the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from codex_audit.facts.ci import ci_system
from codex_audit.facts.depth import by_the_file
from codex_audit.facts.facets import suffix_of
from codex_audit.facts.hidden import Hidden
from codex_audit.facts.locks import is_lock
from codex_audit.facts.model import FileFacts, Secret, Unread
from codex_audit.facts.requirements import requirements_reader
from codex_audit.facts.secrets import found_and_clean
from codex_audit.facts.source import ReadError, words_of

_DOCKERFILE = re.compile(r"(?i:(?:docker|container)file(?:[._-].+)?|.+\.(?:docker|container)file)")
SNIFFED = 8192
# No configuration, pipeline or document is larger; parsers written in Python would take many seconds.
LARGEST_WRITTEN = 1 << 20

Reader = Callable[[bytes, str], Any]

_PYTHON = (".py", ".pyi", ".pyw")
_INI_NAMES = frozenset(
    {"setup.cfg", "tox.ini", "pytest.ini", "mypy.ini", ".flake8", ".coveragerc", ".pylintrc", "pylintrc"}
)
# Text that no other reader takes, and where credentials are left behind.
_SECRET_SUFFIXES = frozenset(
    ".env .sh .bash .ps1 .bat .txt .properties .conf .pem .key .xml .html .js .jsx .ts .tsx .go .java .rb .php .tf "
    ".tfvars".split()
)
_SECRET_NAMES = frozenset({"id_rsa", "id_ecdsa", "id_ed25519", ".npmrc", ".pypirc", ".netrc", "credentials"})
_DOCUMENT_NAMES = frozenset(
    {
        "license",
        "licence",
        "copying",
        "readme",
        "changelog",
        "changes",
        "history",
        "news",
        "security",
        "contributing",
        "notice",
    }
)


def needs_bytes(path: str, facets: frozenset[str]) -> bool:
    """Whether any reader wants the file at ``path``."""
    return bool(_readers(path, facets)) or _may_hold_secrets(path)


def read_file(
    path: str, data: bytes, facets: frozenset[str], module: str, hidden: Sequence[Hidden] = ()
) -> FileFacts:
    """The facts of the file at ``path``. A reader that fails leaves an ``Unread`` and costs no other reader.

    Live-looking credentials are replaced before anything is parsed, so that no fact holds one, and so is what is
    ``hidden``.
    """
    if b"\x00" in data[:SNIFFED] and suffix_of(path) not in (".py", ".pyi"):
        return FileFacts(path, facets, module)
    secrets, data = _clean(path, data, hidden)
    found: dict[str, Any] = {}
    unread: list[Unread] = []
    for kind, reader in _readers(path, facets):
        answer = _isolated(kind, reader, data, path)
        if isinstance(answer, Unread):
            unread.append(answer)
        elif answer is not None:
            found[kind] = answer
    return FileFacts(
        path, facets, module, blank=not data.strip(), secrets=secrets, unread=tuple(unread), **found
    )


def _clean(path: str, data: bytes, hidden: Sequence[Hidden]) -> tuple[tuple[Secret, ...], bytes]:
    """``found_and_clean``. Where a scanner took code between two strings for a string, Python stays Python."""
    secrets, clean = found_and_clean(data, hidden)
    if hidden and suffix_of(path) in _PYTHON and _is_python(data) and not _is_python(clean):
        joined = found_and_clean(data, hidden, between=True)[1]
        return secrets, joined if _is_python(joined) else clean
    return secrets, clean


def _is_python(data: bytes) -> bool:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            by_the_file(lambda: ast.parse(data))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _readers(path: str, facets: frozenset[str]) -> list[tuple[str, Reader]]:
    """The field of ``FileFacts`` that each reader of the file fills, and the reader."""
    found: list[tuple[str, Reader]] = []
    name, suffix = path.rpartition("/")[2], suffix_of(path.rpartition("/")[2])
    if suffix in _PYTHON:
        found.append(("python", _python_reader("test" in facets)))
    elif suffix == ".ipynb":
        found.append(("python", _read_notebook))
    elif suffix in (".md", ".markdown", ".mdx", ".rst") or (
        suffix in ("", ".txt") and name.partition(".")[0].lower() in _DOCUMENT_NAMES
    ):
        found.append(("doc", _read_rest if suffix in (".rst", ".txt") else _read_markdown))
    settings = _settings_reader(name, suffix)
    if settings is not None and "data" not in facets:
        found.append(("settings", settings))
    if requirements := requirements_reader(path):
        found.append(("requirements", requirements))
    if _DOCKERFILE.fullmatch(name):
        found.append(("docker", _read_docker))
    if ci_system(path):
        found.append(("ci", _read_ci))
    if name in (".pre-commit-config.yaml", ".pre-commit-config.yml"):
        found.append(("hooks", _read_hooks))
    return found


def _settings_reader(name: str, suffix: str) -> Reader | None:
    if name in ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json", "pixi.lock"):
        return None  # thousands of scalars that the lock reader says better
    if suffix == ".toml" or name == "Pipfile":
        return _read_toml
    if suffix in (".yaml", ".yml"):
        return _read_yaml
    if suffix in (".ini", ".cfg") or name in _INI_NAMES:
        return _read_ini
    return _read_json if suffix == ".json" else None


def _may_hold_secrets(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith(".env") or name in _SECRET_NAMES or suffix_of(name) in _SECRET_SUFFIXES


def _isolated(kind: str, reader: Reader, data: bytes, path: str) -> Any:
    """What the reader says, or why it could not; a file that is data and no configuration is neither."""
    if len(data) > LARGEST_WRITTEN and kind != "python" and not is_lock(path):
        return (
            None
            if kind == "settings"
            else Unread(kind, "larger than 1 MB, which nobody wrote", 0, words_of(data))
        )
    try:
        return by_the_file(lambda: reader(data, path))
    except ReadError as error:
        return None if error.data else Unread(kind, error.reason, error.line, words_of(data))
    except (MemoryError, RecursionError):
        return Unread(kind, "nested too deeply", 0, words_of(data))
    except Exception as error:  # noqa: BLE001 - a parser's own failure costs this reader alone, and is named
        return Unread(kind, f"its parser failed ({type(error).__name__})", 0, words_of(data))


# Parsers are imported where they are used: most runs meet few kinds of file, and starting up must be quick.


def _python_reader(is_test: bool) -> Reader:
    from codex_audit.facts.python.reader import read_python

    return lambda data, path: read_python(data, is_test=is_test)


def _read_notebook(data: bytes, path: str) -> Any:
    from codex_audit.facts.notebook import read_notebook

    return read_notebook(data, path)


def _read_markdown(data: bytes, path: str) -> Any:
    from codex_audit.facts.markdown import read_markdown

    return read_markdown(data, path)


def _read_rest(data: bytes, path: str) -> Any:
    from codex_audit.facts.rest import read_rest

    return read_rest(data, path)


def _read_toml(data: bytes, path: str) -> Any:
    from codex_audit.facts.toml import read_toml

    return read_toml(data, path)


def _read_yaml(data: bytes, path: str) -> Any:
    from codex_audit.facts.yaml_events import read_yaml

    return read_yaml(data, path)


def _read_ini(data: bytes, path: str) -> Any:
    from codex_audit.facts.ini import read_ini

    return read_ini(data, path)


def _read_json(data: bytes, path: str) -> Any:
    from codex_audit.facts.json_file import read_json

    return read_json(data, path)


def _read_docker(data: bytes, path: str) -> Any:
    from codex_audit.facts.docker import read_docker

    return read_docker(data, path)


def _read_ci(data: bytes, path: str) -> Any:
    from codex_audit.facts.ci import read_ci

    return read_ci(data, path)


def _read_hooks(data: bytes, path: str) -> Any:
    from codex_audit.facts.hooks import read_hooks

    return read_hooks(data, path)
