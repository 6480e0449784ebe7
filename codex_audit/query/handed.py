"""Names handed to a call as values: a class registered under a name, or given to what will build it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from codex_audit.query.modules import Modules
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site

_ASKS = frozenset({"isinstance", "issubclass", "hasattr", "getattr"})


def handed(modules: Modules, patterns: tuple[str, ...]) -> Iterator[Site]:
    """Calls with an argument that is one of these names itself, not a call of it. Type checks hand nothing on."""
    for module in modules.every:
        for call in module.facts.calls:
            if last(call.target) in _ASKS:
                continue
            for item in call.arguments:
                value = modules.canonical(item.value, module) if item.value[:1].isalpha() else ""
                if value and "()" not in value and any(fnmatch.fnmatchcase(value, one) for one in patterns):
                    yield Site(module, value, call.line, call.scope)
