"""Licences: of the tree itself, by its declaration and its files, and of its dependencies, by the metadata of installed
distributions. Metadata is read (``importlib.metadata``, PEP 639 and the classifiers before it), nothing is imported.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, distributions
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

from codex_audit.scanners.dependencies import Declared, Dependencies, first_places
from codex_audit.scanners.model import Finding, Outcome, Package
from codex_audit.scanners.rules import NOT_SEEN
from codex_audit.scanners.subject import Settings, Subject

NAME, DISTRIBUTION = "licences", "packaging"

_HELP = "https://spdx.org/licenses/"
_FILE = re.compile(r"(?:licen[cs]e|copying|unlicense)(?:[._-].*)?", re.IGNORECASE)
# How each text begins, by what no other has. The order decides where one contains another.
_TEXTS = (
    ("AGPL-3.0-only", r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-3.0-only", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-2.1-only", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1"),
    ("GPL-3.0-only", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0-only", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("MPL-2.0", r"Mozilla Public License,? [Vv]ersion 2\.0"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms[\s\S]{1,1500}Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("ISC", r"Permission to use, copy, modify, and/?(?:or)? distribute this software"),
    ("Unlicense", r"free and unencumbered software released into the public domain"),
)
_CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# What many packages write in a field that asks for no identifier.
_WRITTEN = {
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
}
_STRONG = re.compile(r"\b(?:A?GPL|Affero)", re.IGNORECASE)
_LONGEST = 120
_FIRST = 1 << 16


def scan(subject: Subject, dependencies: Dependencies, settings: Settings) -> Outcome:
    """What is not in order with the licences, and every dependency with its own."""
    known = _installed(settings)
    packages: list[Package] = []
    findings = list(_of_the_tree(subject))
    own = _declared(subject)[1]
    for (name, version), places in _wanted(dependencies):
        licence = known.get(name)
        packages.append(Package(name, version, licence or ""))
        for place in first_places(places):
            if finding := _of_package(place, licence, own):
                findings.append(finding)
    reason = (
        f"{len(dependencies.unread)} files of dependencies could not be read" if dependencies.unread else ""
    )
    return Outcome(
        "partial" if reason else "done", reason, tuple(findings), dependencies.unread, tuple(packages)
    )


def _wanted(dependencies: Dependencies) -> Iterator[tuple[tuple[str, str], tuple[Declared, ...]]]:
    yield from dependencies.pinned.items()
    for name in dependencies.open_names:
        yield (name, ""), tuple(one for one in dependencies.declared if one.requirement.name == name)


def _of_package(place: Declared, licence: str | None, own: str) -> Finding | None:
    name, line = place.requirement.name, place.requirement.line
    if licence is None:
        message = f"the licence of {name} is not known: it is not installed where its metadata is looked for"
        return Finding(NOT_SEEN, "info", "high", place.path, line, message)
    if not licence:
        message = f"{name} says nothing of its licence in its metadata"
        return Finding("licence-unknown", "low", "high", place.path, line, message)
    if _STRONG.search(licence) and not _STRONG.search(own) and "LGPL" not in licence.upper():
        message = f"{name} is under {licence}, which asks the same of what is distributed with it"
        return Finding("licence-copyleft", "medium", "medium", place.path, line, message, _HELP)
    return None


def _of_the_tree(subject: Subject) -> Iterator[Finding]:
    line, declared = _declared(subject)
    files = {
        entry.path: _recognised(subject.read(entry)[:_FIRST].decode("utf-8", "replace"))
        for entry in subject.texts()
        if "/" not in entry.path and _FILE.fullmatch(entry.path)
    }
    if not files and not declared:
        yield Finding(
            "licence-missing",
            "medium",
            "high",
            "",
            0,
            "the tree says nowhere under which licence it stands",
            _HELP,
        )
    elif not files:
        message = f"{declared} is declared, and no file at the root holds its text"
        yield Finding("licence-file-missing", "low", "high", "pyproject.toml", line, message, _HELP)
    for path, found in sorted(files.items()):
        if declared and found and _family(found) not in declared and len(files) == 1:
            message = f"the text is that of {found}, and pyproject.toml declares {declared}"
            yield Finding("licence-disagrees", "medium", "medium", path, 1, message, _HELP)


def _family(spdx: str) -> str:
    return spdx.removesuffix("-only")


def _recognised(text: str) -> str:
    return next((name for name, pattern in _TEXTS if re.search(pattern, text, re.IGNORECASE)), "")


def _declared(subject: Subject) -> tuple[int, str]:
    """Line and value of the licence in pyproject, 0 and empty where there is none."""
    entry = next((entry for entry in subject.texts() if entry.path == "pyproject.toml"), None)
    if entry is None or entry.size > 1 << 20:
        return 0, ""
    try:
        text = subject.read(entry).decode("utf-8")
        project: Any = tomllib.loads(text).get("project", {})
    except (ValueError, RecursionError):
        return 0, ""
    licence = project.get("license") if isinstance(project, dict) else None
    licence = licence.get("text") if isinstance(licence, dict) else licence
    if not isinstance(licence, str) or not licence.strip():
        return 0, ""
    found = (
        number for number, line in enumerate(text.split("\n"), 1) if re.match(r"license\b", line.strip())
    )
    return next(found, 1), _expression(licence)


def _installed(settings: Settings) -> dict[str, str]:
    """The licence of every distribution that is installed, by normalised name; empty where it says none."""
    where = sys.path if settings.packages is None else [str(settings.packages)]
    found: dict[str, str] = {}
    for distribution in distributions(path=where):
        metadata = distribution.metadata
        name = _field(metadata, "Name")
        if name:
            found.setdefault(canonicalize_name(name), _licence(metadata))
    return found


def _licence(metadata: PackageMetadata) -> str:
    if expression := _field(metadata, "License-Expression"):
        return _expression(expression)
    classifiers = [item for item in metadata.get_all("Classifier") or () if item.startswith("License ::")]
    names = [item.rpartition("::")[2].strip() for item in classifiers]
    if names and names != ["OSI Approved"]:
        return " AND ".join(sorted({_CLASSIFIED.get(name, name) for name in names}))[:_LONGEST]
    first = _field(metadata, "License").strip().split("\n")[0]
    return "" if first.upper() in ("", "UNKNOWN") else _expression(first)


def _field(metadata: PackageMetadata, name: str) -> str:
    """The first value of a field, empty without one."""
    return next(iter(metadata.get_all(name) or ()), "")


def _expression(text: str) -> str:
    try:
        return str(canonicalize_license_expression(text.strip()))[:_LONGEST]
    except InvalidLicenseExpression:
        written = re.sub(r"\s+", " ", text).strip()[:_LONGEST]
        return _WRITTEN.get(written.casefold(), written)
