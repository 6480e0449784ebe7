"""The user's key, under which found secrets can be told apart and recognised without being known."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

SHORTEST = 16
_LONGEST = 4096


def find_key(environment: Mapping[str, str]) -> bytes:
    """The bytes of ``codex-audit/key`` in ``$XDG_CONFIG_HOME`` or ``~/.config``, without white space at its ends; empty
    where there is none.

    Raises UsageError for a key that others may read or that is too short, UnreadableError for what is no file.
    """
    home, configuration = environment.get("HOME", ""), environment.get("XDG_CONFIG_HOME", "")
    if Path(configuration).is_absolute():
        path = Path(configuration) / "codex-audit" / "key"
    elif Path(home).is_absolute():
        path = Path(home) / ".config" / "codex-audit" / "key"
    else:
        return b""
    if not path.exists() and not path.is_symlink():
        return b""
    key = read_bytes(path, max_bytes=_LONGEST).strip()
    if stat.S_IMODE(path.stat().st_mode) != 0o600:
        raise UsageError(f"the key {shown(path)} may be read by others; chmod 600 it, or remove it")
    if len(key) < SHORTEST:
        raise UsageError(f"the key {shown(path)} is shorter than {SHORTEST} bytes; make a longer one")
    return key
