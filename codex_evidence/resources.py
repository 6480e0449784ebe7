"""Where schemas and templates lie: inside the packages of a wheel, else at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

from codex_evidence.errors import ResourceError

_ROOT = Path(__file__).resolve().parent.parent


def schema_folder() -> Path:
    """The folder of ``<name>.schema.json`` files."""
    return _folder("codex_evidence", "schemas")


def template_folder() -> Path:
    """The folder of report templates."""
    return _folder("codex_audit", "templates")


def _folder(package: str, name: str) -> Path:
    for candidate in (_ROOT / package / name, _ROOT / name):
        if candidate.is_dir():
            return candidate
    raise ResourceError(f"this installation has no folder {name!r} in {package}; install codex-audit again")
