"""Run as a program: answers OSV queries (https://google.github.io/osv.dev/post-v1-query/) on the loopback from a folder
of OSV records. Ends when its stdin closes, which it does with the process that started it.

The one module of the auditor that opens a socket, and nothing imports it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_LARGEST = 16 << 20
_MOST_ASKED = 1 << 16

Records = dict[str, list[dict[str, Any]]]


def main(folder: str) -> int:
    """Read the records, say where they are served as one line of JSON, and serve them."""
    records, digest, count, passed = _read(Path(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, records))
    said = {"port": server.server_port, "sha256": digest, "records": count, "passed": passed}
    print(json.dumps(said), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    return 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, records: Records, *arguments: Any) -> None:
        self.records = records
        super().__init__(*arguments)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/v1/query" or not length.isdigit() or int(length) > _MOST_ASKED:
            self.send_error(404)
            return
        try:
            vulnerabilities = answer(self.records, json.loads(self.rfile.read(int(length))))
        except (ValueError, KeyError, TypeError, AttributeError):
            self.send_error(400)
            return
        body = json.dumps({"vulns": vulnerabilities} if vulnerabilities else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: nobody reads it."""


def answer(records: Records, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The records that affect the package and version of the query. Raises ValueError, KeyError or TypeError for
    what is no query."""
    package = asked["package"]
    if package["ecosystem"] != "PyPI":
        return []
    name = canonicalize_name(package["name"])
    found = {item["id"]: item for item in records.get(name, ()) if _affects(item, name, asked["version"])}
    return [found[key] for key in sorted(found)]


def _affects(record: dict[str, Any], name: str, text: str) -> bool:
    """OSV schema 1.6, "Evaluation": listed among the versions, or in one of the ranges."""
    version = Version(text)
    for affected in _of_package(record, name):
        if any(_same(version, listed) for listed in affected.get("versions", ())):
            return True
        ranges = (item for item in affected.get("ranges", ()) if item.get("type") == "ECOSYSTEM")
        if any(_within(version, item.get("events", ())) for item in ranges):
            return True
    return False


def _version(text: str) -> Version:
    """``text`` as a version; OSV writes 0 for the very first one."""
    return Version("0.dev0" if text == "0" else text)


def _within(version: Version, events: list[dict[str, str]]) -> bool:
    """Whether the events, in order of their versions, leave ``version`` affected."""
    inside = False
    for kind, limit in sorted(_events(events), key=lambda event: (event[1], event[0] != "introduced")):
        if kind == "introduced" and version >= limit:
            inside = True
        elif (kind == "fixed" and version >= limit) or (kind == "last_affected" and version > limit):
            inside = False
    return inside


def _events(events: list[dict[str, str]]) -> Iterator[tuple[str, Version]]:
    for event in events:
        for kind, text in event.items():
            if kind in ("introduced", "fixed", "last_affected"):
                yield kind, _version(text)


def _same(version: Version, listed: object) -> bool:
    try:
        return Version(str(listed)) == version
    except InvalidVersion:
        return False


def _of_package(record: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        if package.get("ecosystem") == "PyPI" and package.get("name") == name:
            yield affected


def _read(folder: Path) -> tuple[Records, str, int, list[str]]:
    """The records by package, a digest over their bytes, their number, and the files that were passed over: what is no
    OSV record, or larger than 16 MB."""
    records: Records = {}
    digest, count, passed = hashlib.sha256(), 0, list[str]()
    for path in sorted(_files(folder)):
        if path.stat().st_size > _LARGEST:
            passed.append(str(path.relative_to(folder)))
            continue
        data = path.read_bytes()
        digest.update(hashlib.sha256(data).digest())
        try:
            record = json.loads(data)
            names = _names(record)
            _check(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            passed.append(str(path.relative_to(folder)))
            continue
        count += 1
        for name in names:
            records.setdefault(name, []).append(record)
    return records, digest.hexdigest(), count, passed


def _names(record: dict[str, Any]) -> set[str]:
    """The packages of ``record``, whose names are normalised (PEP 503): pip-audit compares them as they are written."""
    packages = [affected["package"] for affected in record.get("affected", ())]
    for package in packages:
        package["name"] = canonicalize_name(package["name"])
    return {package["name"] for package in packages}


def _check(record: dict[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError for a record that could not be evaluated."""
    str(record["id"])
    for affected in record.get("affected", ()):
        for item in affected.get("ranges", ()):
            if item["type"] == "ECOSYSTEM":
                list(_events(item["events"]))


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if name.endswith(".json") and path.is_file():
                yield path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
