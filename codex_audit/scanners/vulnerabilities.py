"""pip-audit (PyPA): known vulnerabilities of the exact versions that the tree pins.

It gets names and versions and resolves nothing. It asks OSV, or a server of our own over a folder of OSV records; where
it can ask neither, that is what the scan says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from codex_audit.scanners.children import Command, Ended, run_children
from codex_audit.scanners.dependencies import Declared, Dependencies, first_places
from codex_audit.scanners.kept import key_of, recall, remember
from codex_audit.scanners.loopback import OsvServerError, osv_server
from codex_audit.scanners.model import Finding, Outcome, Unscanned
from codex_audit.scanners.subject import Settings
from codex_evidence.names import shown

NAME, DISTRIBUTION = "vulnerabilities", "pip-audit"
PUBLIC = "https://api.osv.dev/v1/query"
CANNOT = "cannot ask: there is no network; give a folder of OSV records with --osv-folder"

_OFFLINE = "cannot ask: --offline forbids the network; give a folder of OSV records with --osv-folder"
_FIXED = (
    "-m",
    "pip_audit",
    "--no-deps",
    "--disable-pip",
    "-f",
    "json",
    "--progress-spinner",
    "off",
    "-s",
    "osv",
)
_UNREACHED = re.compile(
    rb"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|NameResolution"
)
_EMPTY = "cannot ask: --osv-folder holds no OSV record (*.json) that can be read"
_LONGEST = 300


def scan(dependencies: Dependencies, settings: Settings, version: str) -> Outcome:
    """Every known vulnerability of a pinned version, at each file that pins it."""
    pins, odd = _askable(dependencies)
    unscanned = (*dependencies.unread, *odd, *_without_version(dependencies))
    if not pins:
        reason = (
            "nothing is pinned to an exact version" if dependencies.declared else "no dependency is declared"
        )
        return Outcome("partial" if unscanned else "done", reason, unscanned=unscanned)
    if settings.osv_folder is None:
        if settings.offline:
            return Outcome("cannot_ask", _OFFLINE, unscanned=unscanned)
        return _outcome(_asked(pins, PUBLIC, settings), PUBLIC, pins, unscanned)
    try:
        with osv_server(settings.osv_folder) as server:
            if not server.records:
                return Outcome("cannot_ask", _EMPTY, unscanned=(*unscanned, *_passed(server.passed)))
            unscanned = (*unscanned, *_passed(server.passed))
            database = f"{server.records} OSV records, sha256 {server.sha256}"
            key = key_of(NAME, version, server.sha256, *(f"{name}=={pin}" for name, pin in pins))
            answer = recall(settings.store, [key], bytes).get(key)
            ended = Ended(0, answer, b"") if answer is not None else _asked(pins, server.url, settings)
            if answer is None and _document(ended) is not None:
                remember(settings.store, {key: ended.output})
            return _outcome(ended, database, pins, unscanned)
    except OsvServerError as error:
        return Outcome("failed", str(error), unscanned=unscanned)


def _askable(
    dependencies: Dependencies,
) -> tuple[dict[tuple[str, str], tuple[Declared, ...]], tuple[Unscanned, ...]]:
    """The pins that are versions (PEP 440), and a word on each other."""
    from packaging.version import InvalidVersion, Version

    good: dict[tuple[str, str], tuple[Declared, ...]] = {}
    odd: list[Unscanned] = []
    for (name, pin), places in dependencies.pinned.items():
        try:
            good[name, str(Version(pin))] = (*good.get((name, str(Version(pin))), ()), *places)
        except InvalidVersion:
            odd.append(Unscanned(places[0].path, f"{name} is pinned to what is no version"))
    return good, tuple(odd)


def _without_version(dependencies: Dependencies) -> Iterator[Unscanned]:
    for name in dependencies.open_names:
        place = next(one for one in dependencies.declared if one.requirement.name == name)
        yield Unscanned(place.path, f"{name} has no exact version, so nobody was asked")


def _passed(names: tuple[str, ...]) -> Iterator[Unscanned]:
    """A word on the files of the OSV folder that hold no record: what they should say, nobody looked up."""
    if names:
        more = f" ({len(names) - 1} more beside it)" if len(names) > 1 else ""
        yield Unscanned(shown(names[0]), f"below --osv-folder, and no OSV record that can be read{more}")


def _asked(pins: Mapping[tuple[str, str], object], url: str, settings: Settings) -> Ended:
    folder = settings.scratch / NAME
    folder.mkdir()
    files: list[str] = []
    for number, lines in enumerate(_layers(pins)):
        files += ["-r", f"{number}.txt"]
        (folder / f"{number}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = (*_FIXED, "--osv-url", url, "--cache-dir", "cache", *files)
    return run_children([Command(arguments, folder)], 1, settings.limits)[0]


def _layers(pins: Mapping[tuple[str, str], object]) -> list[list[str]]:
    """The pins as files in which no name stands twice, which pip-audit refuses."""
    layers: list[list[str]] = []
    count: dict[str, int] = {}
    for name, pin in pins:
        number = count.get(name, 0)
        count[name] = number + 1
        if number == len(layers):
            layers.append([])
        layers[number].append(f"{name}=={pin}")
    return layers


def _document(ended: Ended) -> Any:
    """The answer, None where there is none."""
    if ended.problem or ended.code not in (0, 1):
        return None
    try:
        document = json.loads(ended.output)
    except ValueError:
        return None
    return document if isinstance(document, dict) and "dependencies" in document else None


def _outcome(
    ended: Ended,
    database: str,
    pins: Mapping[tuple[str, str], tuple[Declared, ...]],
    unscanned: tuple[Unscanned, ...],
) -> Outcome:
    document = _document(ended)
    if document is None and not ended.problem and _UNREACHED.search(ended.errors):
        return Outcome("cannot_ask", CANNOT, unscanned=unscanned)
    if document is None:
        return Outcome(
            "failed", f"pip-audit {ended.problem or f'ended with code {ended.code}'}", unscanned=unscanned
        )
    findings = [
        _finding(vulnerability, place)
        for item in document["dependencies"]
        for vulnerability in item.get("vulns", ())
        for place in first_places(pins.get((item["name"], item.get("version", "")), ()))
    ]
    reason = f"{len(unscanned)} files or dependencies were not looked at" if unscanned else ""
    return Outcome("partial" if unscanned else "done", reason, tuple(findings), unscanned, database=database)


def _finding(vulnerability: Mapping[str, Any], place: Declared) -> Finding:
    fixed = ", ".join(map(str, vulnerability.get("fix_versions", ()))) or "none yet"
    said = re.sub(r"\s+", " ", str(vulnerability.get("description", ""))).strip()[:_LONGEST]
    name = str(vulnerability["id"])[:100]
    also = ", ".join(map(str, vulnerability.get("aliases", ())))[:_LONGEST]
    one = place.requirement
    message = f"{one.name} {one.pin}: {said} (fixed in {fixed}{f'; also {also}' if also else ''})"
    return Finding(
        name, "high", "high", place.path, one.line, message, f"https://osv.dev/vulnerability/{name}"
    )
