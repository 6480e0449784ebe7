"""A scan onto disk: first what is to be hidden, then the summary, which names the digests of the rest, so that a scan
that was killed while it wrote is one whose files do not fit."""

from __future__ import annotations

from pathlib import Path

from codex_audit.scanners.places import SCAN_FILES, SECURITY_FOLDER, WITHHELD
from codex_evidence.atomic import remove, write_bytes
from codex_evidence.errors import UsageError, WriteError
from codex_evidence.names import shown


def check_output(output: Path) -> None:
    """Raises UsageError when a folder that a scan writes to is a symlink or no folder. Changes nothing."""
    for path in (output / "audit_artifacts", output / SECURITY_FOLDER):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise UsageError(f"{shown(path)} is no folder; remove it, or give another place with --output")


def write_scan(output: Path, documents: dict[str, bytes]) -> None:
    """Writes ``documents`` (by path under ``output``) in place of the former scan, of which stays what is withheld if
    nobody looked for secrets again. Raises WriteError."""
    folder = output / SECURITY_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {shown(folder)}: {error.strerror}") from error
    for path in SCAN_FILES:
        if path in documents:
            write_bytes(output / path, documents[path])
        elif path != WITHHELD:
            remove(output / path)
