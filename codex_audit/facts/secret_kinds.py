"""The forms of credentials: what each looks like, and what only looks like one.

Those with a fixed prefix are the formats that their issuers publish for secret scanning; the last rule takes a
random-looking value that is assigned to a name that says secret.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple


class Kind(NamedTuple):
    """``marker``: bytes (or, in lower case, one of several) without which the slower ``pattern`` cannot
    match; group ``value`` is what must not be shown; ``accepts`` says whether it has the form of a value, and
    ``example`` whether it counts for nothing though it has."""

    name: str
    markers: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    accepts: Callable[[bytes], bool]
    example: Callable[[bytes], bool]


_FAKE = re.compile(
    rb"example|placeholder|change_?me|your|dummy|fake|redacted|sample|insert|replace|todo|secret|passw|token|test"
    rb"|x{4}|\*{3}|\.{3}|0{6}|1{6}|a{6}|12345|abcde|qwert|<|\$\{|\{\{",
    re.IGNORECASE,
)
# A whole value of such words is no password; one that merely holds a word may be.
_PLACEHOLDER = re.compile(
    rb"[\W_]*(?:(?:example|placeholder|change|me|your|my|the|here|dummy|fake|redacted|sample|insert|replace|todo"
    rb"|secret|password|passwd|passphrase|pwd|token|test|key|user|x)[\W_]*)+|[\W_]+",
    re.IGNORECASE,
)
_HEX = re.compile(rb"[0-9a-fA-F]+")
_MIN_BITS = 3.0
_MIN_BITS_ASSIGNED = 3.5


def _bits(value: bytes) -> float:
    """Shannon entropy of the bytes of ``value``, in bits a byte."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)


def _is_example(value: bytes) -> bool:
    return _FAKE.search(value) is not None


def _never_counts(value: bytes) -> bool:
    return True


def _random(value: bytes) -> bool:
    return _bits(value) >= _MIN_BITS


def _no_placeholder(value: bytes) -> bool:
    return _PLACEHOLDER.fullmatch(value) is None


def _random_assigned(value: bytes) -> bool:
    """Random enough to be taken for a secret without a prefix: mixed letters and digits, or hexadecimal of
    hash length."""
    if not re.search(rb"\d", value) or not re.search(rb"[A-Za-z]", value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= 32 and _bits(value) >= _MIN_BITS
    mixed = re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value)
    return bool(mixed) and _bits(value) >= _MIN_BITS_ASSIGNED


def _example_jwt(value: bytes) -> bool:
    """The claims are decoded, because the well-known sample token differs from a live one only in them."""
    claims = value.split(b".")[1]
    try:
        decoded = base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))
    except ValueError:
        return True
    return _is_example(decoded)


def _key_body(value: bytes) -> bool:
    """A private key has lines of Base64; the bare marker stands in documentation and in scanners."""
    line = re.search(rb"[A-Za-z0-9+/]{48,}", value)
    return line is not None and _bits(line[0]) >= 4.0


def _kind(
    name: str,
    markers: str,
    pattern: bytes,
    accepts: Callable[[bytes], bool] = _random,
    example: Callable[[bytes], bool] = _is_example,
) -> Kind:
    return Kind(
        name, tuple(marker.encode() for marker in markers.split()), re.compile(pattern), accepts, example
    )


_KINDS = (
    _kind(
        "private key",
        "PRIVATE",
        rb"(?P<value>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
        rb"(?:(?!-----)[\s\S]){0,12000}(?:-----END [A-Z ]{1,40}-----)?)",
        _key_body,
        lambda value: False,
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
        example=_example_jwt,
    ),
    # RFC 6750, section 2.1, as code, shells and documents write the header.
    _kind(
        "bearer token",
        "earer BEARER",
        rb"\b(?i:bearer)(?:[ \t]|\\[t ]|%20){1,8}(?P<value>[A-Za-z0-9._~+/-]{20,400}={0,2})(?=[\s\"'`,;)}\]\\<|]|$)",
        lambda value: _random_assigned(value) and not value.startswith(b"eyJ") and b"/" not in value[:12],
    ),
    _kind(
        "secret as a default",
        "secret token passw api-key api_key apikey access-key access_key PASSW SECRET TOKEN",
        rb"(?<![-\w])--(?!-)(?i:(?:[a-z0-9_-]{1,40}[_-])?(?:secret|passw(?:or)?d|api[_-]?key|access[_-]?key)"
        rb"|(?:(?:hf|hub|auth|access|api|github|gitlab|wandb|bot|user)[_-])?token)\\?[\"']"
        rb"(?:[^()\n]|\n(?![ \t]*\n)|\([^()\n]{0,100}\)){0,200}?"
        rb"\bdefault[ \t]*=[ \t]*(?P<open>\\?[\"'])(?P<value>[A-Za-z0-9+_=-]{20,200})(?P=open)",
        _random_assigned,
    ),
)
# Hidden from whatever is shown, and not counted: most of them open nothing but a machine on a desk.
_HIDDEN = (
    _kind("npm token", "npm_", rb"\b(?P<value>npm_[A-Za-z0-9]{36})\b", example=_never_counts),
    _kind(
        "SendGrid key",
        "SG.",
        rb"\b(?P<value>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})",
        example=_never_counts,
    ),
    _kind(
        "Telegram token",
        ":AA",
        rb"\b(?P<value>\d{8,10}:AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])",
        example=_never_counts,
    ),
    _kind("Mailchimp key", "-us", rb"\b(?P<value>[0-9a-f]{32}-us\d{1,2})\b", example=_never_counts),
    _kind(
        "Square secret",
        "sq0",
        rb"\b(?P<value>sq0(?:csp|atp|idp)-[A-Za-z0-9_-]{22,43})",
        example=_never_counts,
    ),
    _kind("Azure key", "AccountKey=", rb"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)", example=_never_counts),
    _kind("Twilio key", "SK", rb"\b(?P<value>SK[0-9a-f]{32})\b", example=_never_counts),
    _kind(
        "password",
        "://",
        rb"://[^\s/:@\"'<>]{0,64}:(?P<value>[^\s/:@\"'<>{}$]{6,128})@",
        _no_placeholder,
        _never_counts,
    ),
    # A password of ordinary words has no form: what is assigned in quotes to a name that says password, whatever it is.
    # A notebook holds code as strings of JSON, in which a quote stands behind a backslash.
    _kind(
        "password",
        "passw PASSW Passw passphrase PASSPHRASE pwd PWD",
        rb"(?i:passw(?:or)?d|passphrase|pwd)(?:\\?[\"'])?\]?[ \t]{0,8}(?::(?:[ \t]{0,8}str[ \t]{0,8}=)?|=)[ \t]{0,8}"
        rb"(?P<open>\\?[\"'])(?P<value>[^\s\"'\\<>{}$%]{6,128})(?P=open)",
        _no_placeholder,
        _never_counts,
    ),
    # The same as one line of YAML, of a Dockerfile or of variables, where only a digit tells a value from code.
    _kind(
        "password",
        "passw PASSW Passw passphrase PASSPHRASE",
        rb"(?mi:^[ \t]*(?:-[ \t]+|export[ \t]+|env[ \t]+)?[\"']?[a-z0-9_.-]*(?:passw(?:or)?d|passphrase)[\"']?"
        rb"(?::[ \t]+|=)(?=[^\s]*\d)(?P<value>[^\s\"'\\<>{}()\[\]$%#,]{6,128})[ \t]*$)",
        _no_placeholder,
        _never_counts,
    ),
    # The same before a command in a shell, a Makefile or among its options: a name of variables, or an option.
    _kind(
        "password",
        "PASSW PASSPHRASE _PWD= -passw -passphrase",
        rb"(?:PASSW(?:OR)?D|PASSPHRASE|(?<=_)PWD(?==[^/])|(?<=-)(?:passw(?:or)?d|passphrase))"
        rb"(?:[ \t]{0,8}[:?]=[ \t]{0,8}|=)(?=[^\s]{0,127}\d)(?P<value>[^\s\"'\\<>{}()\[\]$%#,;&|`]{6,128})"
        rb"(?=[\s;&|\"'`]|$)",
        _no_placeholder,
        _never_counts,
    ),
)
ASSIGNED = _kind(
    "assigned secret",
    "secret token passw apikey api_key api-key accesskey access_key access-key",
    rb"(?i:secret|token|passw(?:or)?d|api[_-]?key|access[_-]?key)(?:\\?[\"'])?\]?[ \t]{0,8}"
    rb"(?::(?:[ \t]{0,8}str[ \t]{0,8}=)?|=)[ \t]{0,8}"
    rb"(?P<open>(?:\\?[\"'])?)(?P<value>[A-Za-z0-9+/_=-]{20,200}+)(?P=open)(?=[\s,;)}\]\\]|$)",
    _random_assigned,
)
COUNTED = (*_KINDS, ASSIGNED)
ALL = (*COUNTED, *_HIDDEN)
_BY_PLACE = ("password", "bearer token", "secret as a default", ASSIGNED.name)
BY_FORM = tuple(kind for kind in ALL if kind.name not in _BY_PLACE)
"""Those that are known wherever they stand; the others by what stands beside them."""
