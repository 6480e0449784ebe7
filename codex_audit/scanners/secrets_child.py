"""Run as a program, in a folder of numbered files: detect-secrets on each, beside the credentials that the readers of
facts know; kind, line and spans (line, start, end: see ``facts.hidden``) as JSON on stdout.

Reads a JSON document from stdin: ``key`` (hexadecimal, may be empty) and ``baseline`` (SHA-1 of secrets that the tree's
own baseline names). No value of a secret leaves this process, and no digest of one without the key but those that the
tree itself publishes.
"""

from __future__ import annotations

import hmac
import json
import sys
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.filters.heuristic import is_indirect_reference
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.ip_public import IPPublicDetector
from detect_secrets.plugins.keyword import KeywordDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.settings import get_plugins, transient_settings
from detect_secrets.util.code_snippet import get_code_snippet

from codex_audit.artifacts import Span
from codex_audit.facts.secrets import secret_values
from codex_audit.scanners.secret_places import Places

# The default filters without the inline mark, which is asked for afterwards so that what it hides stays visible, and
# without those that look at a repository or ask a service.
_FILTERS = tuple(
    f"detect_secrets.filters.heuristic.{name}"
    for name in (
        "is_likely_id_string is_lock_file is_not_alphanumeric_string is_potential_uuid "
        "is_prefixed_with_dollar_sign is_sequential_string is_swagger_file is_templated_secret"
    ).split()
)
_NOTEBOOK = ".ipynb"
_UNFORMED = "assigned secret"
# Known by the name of what they are given to.
_NAMED = (KeywordDetector.secret_type, _UNFORMED)
_Found = dict[tuple[str, int, str], dict[str, Any]]


def main() -> int:
    """The secrets of every file below the current folder, by its path there."""
    given = json.load(sys.stdin)
    key = bytes.fromhex(given["key"])
    kinds: dict[str, type] = get_mapping_from_secret_type_to_class()
    plugins = [{"name": kind.__name__} for kind in kinds.values()]
    filters = [{"path": path} for path in (*_FILTERS, f"{__name__}.{is_call.__name__}")]
    files: dict[str, list[dict[str, Any]]] = {}
    with transient_settings({"plugins_used": plugins, "filters_used": filters}):
        for path in sorted(path for path in Path().rglob("*") if path.is_file()):
            found = _secrets(path, key, frozenset(given["baseline"]))
            if found:
                files[path.as_posix()] = found
    json.dump({"files": files}, sys.stdout)
    return 0


def is_call(secret: str, line: str, plugin: Any) -> bool:
    """A filter of detect-secrets: the line calls something for its value. A token is one there too, as in
    ``Github("ghp_...")``."""
    return not _knows_tokens(type(plugin)) and bool(is_indirect_reference(line))


def _secrets(path: Path, key: bytes, baseline: frozenset[str]) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text, encoding = _as_utf8(path, data)
    lines = text.split("\n")
    found: _Found = {}
    for secret in scan_file(str(path)):
        said = secret.secret_value or ""
        whole = _whole(secret.type, said, lines[secret.line_number - 1] if secret.line_number else "")
        known = secret.secret_hash if whole == said and secret.secret_hash in baseline else ""
        found[secret.type, secret.line_number, whole] = _item(
            secret.type, secret.line_number, whole, key, known
        )
    for kind, line, value in _missed(lines, found):
        found[kind, line, value] = _item(kind, line, value, key, "")
    places = Places(data, encoding)
    for (kind, line, value), item in sorted(found.items(), key=lambda pair: pair[0]):
        item["allowed"] = _is_allowed(path, lines, line)
        item["spans"] = [(one.line, one.start, one.end) for one in _spans(places, kind, line, value)]
    return [found[place] for place in sorted(found)]


def _spans(places: Places, kind: str, line: int, value: str) -> list[Span]:
    """Where the value stands; of a private key, detect-secrets knows the head alone."""
    if kind == IPPublicDetector.secret_type:
        return []
    spans = places.of(line, value, formed=kind not in _NAMED)
    key = kind == PrivateKeyDetector.secret_type and spans
    return [*spans, *places.of_key(spans[0].line)] if key else spans


def _item(kind: str, line: int, value: str, key: bytes, known: str) -> dict[str, Any]:
    data = value.encode("utf-8", "surrogatepass")
    keyed = hmac.new(key, data, "sha256").hexdigest() if key and data else ""
    return {"type": kind, "line": line, "keyed": keyed, "known": known}


def _missed(lines: list[str], found: _Found) -> list[tuple[str, int, str]]:
    """What the readers of facts find and detect-secrets does not, or only guesses at."""
    kinds: dict[str, type] = get_mapping_from_secret_type_to_class()
    sure: dict[int, list[str]] = {}
    guessed: dict[int, list[str]] = {}
    for kind, line, value in found:
        (sure if _knows_tokens(kinds[kind]) else guessed).setdefault(line, []).append(value)
    missed: list[tuple[str, int, str]] = []
    for secret, data in secret_values("\n".join(lines).encode("utf-8", "surrogatepass")):
        value = data.decode("utf-8", "surrogatepass")
        known = sure.get(secret.line, [])
        if secret.kind == _UNFORMED:
            known = known + guessed.get(secret.line, [])
        if not any(one in value or value in one for one in known):
            missed.append((secret.kind, secret.line, value))
    return missed


def _knows_tokens(plugin: type) -> bool:
    """Whether a plugin knows its secrets by their own form."""
    return issubclass(plugin, RegexBasedDetector) and not issubclass(plugin, IPPublicDetector)


def _as_utf8(path: Path, data: bytes) -> tuple[str, str]:
    """The text of the file, which is written anew as UTF-8 where it is not: detect-secrets passes over any other; and
    where it is a notebook. And the encoding of its ``data``."""
    encoding = "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"
        text = data.decode(encoding)
    if path.suffix == _NOTEBOOK:
        text = text.replace('\\"', '"')  # as the code of a cell has it; JSON puts a backslash before a quote
    if encoding != "utf-8" or path.suffix == _NOTEBOOK:
        path.write_text(text, encoding="utf-8", newline="")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _whole(kind: str, said: str, line: str) -> str:
    """The secret that a plugin means. Where a pattern has a group for the prefix of a token (``ghp``), detect-secrets
    takes that for the secret; then it is all that the pattern matches."""
    patterns = (
        pattern for plugin in get_plugins() if plugin.secret_type == kind for pattern in _patterns(plugin)
    )
    for match in (match for pattern in patterns for match in pattern.finditer(line)):
        if match.lastindex and match[1] == said and match.start(1) == match.start():
            return str(match[0])
    return said


def _patterns(plugin: Any) -> tuple[Any, ...]:
    """The patterns of a plugin that is made of patterns, none for another."""
    return tuple(plugin.denylist) if isinstance(plugin, RegexBasedDetector) else ()


def _is_allowed(path: Path, lines: list[str], number: int) -> bool:
    if not 0 < number <= len(lines):
        return False
    context = get_code_snippet(lines=lines, line_number=number)
    return bool(is_line_allowlisted(str(path), lines[number - 1], context))


if __name__ == "__main__":
    sys.exit(main())
