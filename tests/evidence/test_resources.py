"""Schemas and templates are found in a checkout and in an installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import codex_evidence
from codex_evidence.resources import schema_folder

PACKAGE = Path(codex_evidence.__file__).parent
ASK = """
from codex_evidence import resources
from codex_evidence.errors import ResourceError
for folder in (resources.schema_folder, resources.template_folder):
    try:
        print(folder())
    except ResourceError as error:
        print(error.exit_code, error)
"""


def installed(site: Path) -> None:
    """The package alone in ``site``, as a wheel would lay it there."""
    shutil.copytree(PACKAGE, site / "codex_evidence", ignore=shutil.ignore_patterns("__pycache__"))


def ask(site: Path) -> list[str]:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{ASK}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=site).stdout.splitlines()


def test_the_packaged_folder_is_taken_before_one_beside_the_package(tmp_path: Path) -> None:
    installed(tmp_path)
    for folder in ("codex_evidence/schemas", "schemas", "codex_audit/templates"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    site = tmp_path.resolve()
    assert ask(tmp_path) == [f"{site}/codex_evidence/schemas", f"{site}/codex_audit/templates"]


def test_a_checkout_uses_the_folders_at_its_root(tmp_path: Path) -> None:
    installed(tmp_path)
    shutil.rmtree(tmp_path / "codex_evidence" / "schemas", ignore_errors=True)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "templates").mkdir()
    assert ask(tmp_path) == [f"{tmp_path.resolve()}/schemas", f"{tmp_path.resolve()}/templates"]


def test_a_broken_installation_says_what_is_missing(tmp_path: Path) -> None:
    installed(tmp_path)
    shutil.rmtree(tmp_path / "codex_evidence" / "schemas", ignore_errors=True)
    lines = ask(tmp_path)
    assert lines[0].startswith("3 this installation has no folder 'schemas' in codex_evidence")
    assert lines[1].startswith("3 this installation has no folder 'templates' in codex_audit")


def test_this_installation_has_its_schemas() -> None:
    assert (schema_folder() / "context_index.schema.json").is_file()
