"""Where the cache lies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from codex_audit.cache.store import Store


def find_store(environment: Mapping[str, str], tree: Path, given: Path | None = None) -> Store | None:
    """The store in ``given``, else in ``$XDG_CACHE_HOME/codex-audit`` (XDG Base Directory), else in
    ``~/.cache/codex-audit``. None where it would lie inside the audited ``tree``, or on someone else's ground."""
    home, cache = environment.get("HOME", ""), environment.get("XDG_CACHE_HOME", "")
    if given is not None:
        folder = given
    elif Path(cache).is_absolute():
        folder = Path(cache) / "codex-audit"
    elif Path(home).is_absolute():
        folder = Path(home) / ".cache" / "codex-audit"
    else:
        return None
    real = Path(os.path.realpath(folder))
    if real.is_relative_to(os.path.realpath(tree)):
        return None
    try:
        owner = real.stat().st_uid
    except FileNotFoundError:
        owner = os.getuid()  # whoever makes it
    except OSError:
        return None
    return Store(real) if owner == os.getuid() else None
