"""What must not be written down: files whose names say that they hold credentials, and texts that look like one.

The prefixes are those that issuers publish for secret scanning. A false alarm costs a line of a record; so the rules
are wider here than in a report on somebody's code.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NAMES = re.compile(
    r"\.env.*|.*\.env|.*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|age|tfvars|ovpn)|id_(rsa|dsa|ecdsa|ed25519).*"
    r"|.*(credential|secret|password|passwd|apikey|api_key|token)s?\.[a-z]+|.*credentials.*|secrets?"
    r"|\.(netrc|npmrc|pypirc|pgpass|git-credentials|htpasswd|dockercfg|boto|s3cfg)|_netrc|kubeconfig",
    re.IGNORECASE,
)
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".kube", ".docker", "secrets", ".secrets"})

_KNOWN = re.compile(
    rb"hf_[A-Za-z0-9]{20}|gh[pousr]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}|glpat-[\w-]{20}"
    rb"|\bsk-(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])[\w-]{20}|\bsk-or-[\w-]{20}|[rs]k_live_[A-Za-z0-9]{16}|\b(?:AKIA|ASIA)[A-Z0-9]{16}|\bxox[abeoprs]-[A-Za-z0-9-]{10}"
    rb"|\bAIza[A-Za-z0-9_-]{30}|\beyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10}|\bpypi-[A-Za-z0-9_-]{30}|\bnpm_[A-Za-z0-9]{30}"
    rb"|hooks\.slack\.com/services/T|\bBearer [A-Za-z0-9._~+/-]{20}|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
)
_IN_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/:@'\"]{0,200}:[^\s/@'\"]{1,500}@")
_NAME = (
    rb"(?:passw(?:or)?d|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential)s?"
    rb"(?:[_-](?:key|value|id|hex))?"
)
# After the name: the end of a key, perhaps an annotation, then the value.
_ASSIGNED = re.compile(
    rb"(?i)" + _NAME + rb"\\?['\"]?\]?\s{0,8}(?::\s{0,4}[A-Za-z_][\w.| ]{0,40})?[:=]\s{0,8}"
    rb"(?:[rbuf]{0,2}(?:'[^'\s<{]{8,500}'|\\?\"[^\"\s<{]{8,500}\")|(?=[^\s'\"(\[]{0,40}\d)[A-Za-z0-9_+/=~!@#$%^&*-]{12,500}\s{0,4}(?:$|[#&;]))"
)
# The inside of a key that begins in another line: nothing but Base64, and not hexadecimal as a digest is.
_BODY = re.compile(
    rb"[ +-]?\s{0,20}['\"]?(?=[A-Za-z0-9+/]{0,40}[G-Zg-z+/])[A-Za-z0-9+/]{60,80}={0,2}(?:\\n)?['\"]?,?\s{0,4}"
)


def is_secret_name(path: str) -> bool:
    """Whether ``path``, with slashes, names a file that is there to hold credentials."""
    parts = PurePosixPath(path).parts
    return bool(parts) and (_NAMES.fullmatch(parts[-1]) is not None or not _FOLDERS.isdisjoint(parts[:-1]))


def holds_secret(line: bytes) -> bool:
    """Whether one line of a text looks as if it held a credential."""
    return (
        any(rule.search(line) for rule in (_KNOWN, _IN_URL, _ASSIGNED)) or _BODY.fullmatch(line) is not None
    )


def holds_key(text: str) -> bool:
    """Whether a setting holds a password in a URL, or a token of a known form."""
    raw = text.encode("utf-8", errors="surrogatepass")
    in_query = "://" in text and _ASSIGNED.search(raw) is not None
    return in_query or any(rule.search(raw) for rule in (_KNOWN, _IN_URL))
