"""Strings that look like live credentials, and their removal from whatever is shown.

The formats with a fixed prefix are those their issuers publish for secret scanning; the last rule takes a
random-looking value that is assigned to a name that says secret. Documented examples and placeholders do not
count. A value never leaves this module.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from codex_audit.facts.model import Secret


class _Kind(NamedTuple):
    """``marker``: bytes (or, in lower case, one of several) without which the slower ``pattern`` cannot
    match; group ``value`` is what must not be shown; ``accepts`` tells a live value from an example."""

    name: str
    markers: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    accepts: Callable[[bytes], bool]


class _Hit(NamedTuple):
    kind: str
    start: int
    end: int


_FAKE = re.compile(
    rb"example|placeholder|change_?me|your|dummy|fake|redacted|sample|insert|replace|todo|secret|passw|token|test"
    rb"|x{4}|\*{3}|\.{3}|0{6}|1{6}|a{6}|12345|abcde|qwert|<|\$\{|\{\{",
    re.IGNORECASE,
)
_HEX = re.compile(rb"[0-9a-fA-F]+")
_MIN_BITS = 3.0
_MIN_BITS_ASSIGNED = 3.5


def _bits(value: bytes) -> float:
    """Shannon entropy of the bytes of ``value``, in bits a byte."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def _random(value: bytes) -> bool:
    return not _FAKE.search(value) and _bits(value) >= _MIN_BITS


def _random_assigned(value: bytes) -> bool:
    """Random enough to be taken for a secret without a prefix: mixed letters and digits, or hexadecimal of
    hash length."""
    if _FAKE.search(value) or not re.search(rb"\d", value) or not re.search(rb"[A-Za-z]", value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= 32 and _bits(value) >= _MIN_BITS
    mixed = re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value)
    return bool(mixed) and _bits(value) >= _MIN_BITS_ASSIGNED


def _live_jwt(value: bytes) -> bool:
    """The claims are decoded, because the well-known sample token differs from a live one only in them."""
    claims = value.split(b".")[1]
    try:
        decoded = base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))
    except ValueError:
        return False
    return not _FAKE.search(decoded)


def _key_body(value: bytes) -> bool:
    """A private key has lines of Base64; the bare marker stands in documentation and in scanners."""
    line = re.search(rb"[A-Za-z0-9+/]{48,}", value)
    return line is not None and _bits(line[0]) >= 4.0


def _kind(name: str, markers: str, pattern: bytes, accepts: Callable[[bytes], bool] = _random) -> _Kind:
    return _Kind(name, tuple(marker.encode() for marker in markers.split()), re.compile(pattern), accepts)


_KINDS = (
    _kind(
        "private key",
        "PRIVATE",
        rb"(?P<value>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
        rb"(?:(?!-----)[\s\S]){0,12000}(?:-----END [A-Z ]{1,40}-----)?)",
        _key_body,
    ),
    _kind("AWS access key", "AKIA ASIA", rb"\b(?P<value>(?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    _kind(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rb"\b(?P<value>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b",
    ),
    _kind("GitLab token", "glpat-", rb"\b(?P<value>glpat-[A-Za-z0-9_-]{20,64})\b"),
    _kind("Slack token", "xox", rb"\b(?P<value>xox[abeoprs]-\d{8,}-[A-Za-z0-9-]{10,200})\b"),
    _kind(
        "Slack webhook",
        "hooks.slack.com",
        rb"(?P<value>https://hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,28})",
    ),
    _kind("Google API key", "AIza", rb"\b(?P<value>AIza[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    _kind("Stripe key", "_live_", rb"\b(?P<value>[rs]k_live_[A-Za-z0-9]{24,247})\b"),
    _kind("Hugging Face token", "hf_", rb"\b(?P<value>hf_[A-Za-z0-9]{34,40})\b"),
    _kind(
        "OpenAI key",
        "sk-",
        rb"\b(?P<value>sk-(?:[A-Za-z0-9_-]{8,160}T3BlbkFJ[A-Za-z0-9_-]{20,160}|[A-Za-z0-9]{48}))(?![A-Za-z0-9_-])",
    ),
    _kind("Anthropic key", "sk-ant-", rb"\b(?P<value>sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{80,120})"),
    _kind("PyPI token", "pypi-AgEIcHlwaS5vcmc", rb"\b(?P<value>pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,300})"),
    _kind(
        "JSON web token",
        "eyJ",
        rb"\b(?P<value>eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000})",
        _live_jwt,
    ),
)
# Hidden from whatever is shown, and not counted: most of them open nothing but a machine on a desk.
_HIDDEN = (
    _kind("npm token", "npm_", rb"\b(?P<value>npm_[A-Za-z0-9]{36})\b"),
    _kind("SendGrid key", "SG.", rb"\b(?P<value>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    _kind("Twilio key", "SK", rb"\b(?P<value>SK[0-9a-f]{32})\b"),
    _kind(
        "password",
        "://",
        rb"://[^\s/:@\"'<>]{0,64}:(?P<value>[^\s/:@\"'<>{}$]{6,128})@",
        lambda value: not _FAKE.search(value),
    ),
    # A password of ordinary words has no form: what is assigned in quotes to a name that says password, whatever it is.
    _kind(
        "password",
        "passw PASSW Passw passphrase PASSPHRASE pwd PWD",
        rb"(?i:passw(?:or)?d|passphrase|pwd)[\"']?\]?[ \t]{0,8}(?::(?:[ \t]{0,8}str[ \t]{0,8}=)?|=)[ \t]{0,8}"
        rb"(?P<open>[\"'])(?P<value>[^\s\"'\\<>{}$%]{6,128})(?P=open)",
        lambda value: not _FAKE.search(value),
    ),
    # The same as one line of YAML, of a Dockerfile or of variables, where only a digit tells a value from code.
    _kind(
        "password",
        "passw PASSW Passw passphrase PASSPHRASE",
        rb"(?mi:^[ \t]*(?:-[ \t]+|export[ \t]+|env[ \t]+)?[\"']?[a-z0-9_.-]*(?:passw(?:or)?d|passphrase)[\"']?"
        rb"(?::[ \t]+|=)(?=[^\s]*\d)(?P<value>[^\s\"'\\<>{}()\[\]$%#,]{6,128})[ \t]*$)",
        lambda value: not _FAKE.search(value),
    ),
)
_ASSIGNED = _kind(
    "assigned secret",
    "secret token passw apikey api_key api-key accesskey access_key access-key",
    rb"(?i:secret|token|passw(?:or)?d|api[_-]?key|access[_-]?key)[\"']?\]?[ \t]{0,8}"
    rb"(?::(?:[ \t]{0,8}str[ \t]{0,8}=)?|=)[ \t]{0,8}"
    rb"(?P<open>[\"']?)(?P<value>[A-Za-z0-9+/_=-]{20,200}+)(?P=open)(?=[\s,;)}\]]|$)",
    _random_assigned,
)


def find_secrets(data: bytes) -> tuple[Secret, ...]:
    """The live-looking credentials of a file, in file order; a place that two rules match is named once."""
    found: list[Secret] = []
    line, seen = 1, 0
    for hit in _hits(data):
        line += data.count(b"\n", seen, hit.start)
        seen = hit.start
        found.append(Secret(hit.kind, line))
    return tuple(found)


def hides(data: bytes) -> bool:
    """Whether ``redact_bytes`` takes something out of ``data`` that ``find_secrets`` does not name."""
    return next(_of_kinds(_HIDDEN, data), None) is not None


def redact(text: str) -> str:
    """``text`` with each credential replaced by ``[redacted kind]``; line ends are kept."""
    return redact_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def redact_bytes(data: bytes) -> bytes:
    """``data`` with each credential replaced, its line ends kept, so that line numbers still hold.

    A value that stands bare behind a colon, dash or comma is quoted, because brackets mean a list in YAML.
    """
    parts, done = [], 0
    for hit in _hits(data, *_HIDDEN):
        breaks = b"\n" * data.count(b"\n", hit.start, hit.end)
        bare = re.search(rb"[:,\[-][ \t]+$", data[max(done, hit.start - 20) : hit.start]) is not None
        quote = b'"' if bare else b""
        parts += [data[done : hit.start], quote, f"[redacted {hit.kind}]".encode(), quote, breaks]
        done = hit.end
    return b"".join([*parts, data[done:]])


def _hits(data: bytes, *more: _Kind) -> list[_Hit]:
    """Accepted matches in file order, without overlaps; where two begin together the more specific rule
    stays."""
    found = sorted(_matches(data, more), key=lambda hit: hit.start)
    kept: list[_Hit] = []
    for hit in found:
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _matches(data: bytes, more: tuple[_Kind, ...]) -> Iterator[_Hit]:
    yield from _of_kinds(_KINDS, data)
    yield from _live(_ASSIGNED, _after(_ASSIGNED, data))
    yield from _of_kinds(more, data)


def _of_kinds(kinds: tuple[_Kind, ...], data: bytes) -> Iterator[_Hit]:
    for kind in kinds:
        if any(marker in data for marker in kind.markers):
            yield from _live(kind, kind.pattern.finditer(data))


def _live(kind: _Kind, matches: Iterable[re.Match[bytes]]) -> Iterator[_Hit]:
    return (_Hit(kind.name, *match.span("value")) for match in matches if kind.accepts(match["value"]))


def _after(kind: _Kind, data: bytes) -> Iterator[re.Match[bytes]]:
    """Matches that begin with a marker of ``kind`` in any case, without overlaps: a search for plain bytes is many
    times faster than a pattern of alternatives."""
    lower, done = data.lower(), 0
    for start in sorted({place for marker in kind.markers for place in _places(lower, marker)}):
        match = kind.pattern.match(data, start) if start >= done else None
        if match is not None:
            yield match
            done = match.end()


def _places(data: bytes, marker: bytes) -> Iterator[int]:
    place = data.find(marker)
    while place >= 0:
        yield place
        place = data.find(marker, place + 1)
