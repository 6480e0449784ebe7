"""Where a scan lies under its output folder. Paths are relative to that folder, with ``/``."""

from __future__ import annotations

SECURITY_FOLDER = "audit_artifacts/security"
SUMMARY = f"{SECURITY_FOLDER}/scan.json"
SCANNERS = ("bandit", "secrets", "sbom", "licences", "vulnerabilities")
"""The names of all scanners, in the order in which they run."""

BOM_FILE = "sbom.cdx.json"
WITHHELD = f"{SECURITY_FOLDER}/withheld.json"


def scanner_path(name: str) -> str:
    """Where the report of the scanner ``name`` lies."""
    return f"{SECURITY_FOLDER}/{name}.json"


SCAN_FILES = (WITHHELD, SUMMARY, *map(scanner_path, SCANNERS), f"{SECURITY_FOLDER}/{BOM_FILE}")
"""All that a scan writes."""
