"""What calls are given: names handed on as values, and keywords that say something."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator

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


def gives(*names: str, nothing: tuple[str, ...] = ("", "None")) -> Callable[[Site], bool]:
    """Whether a call gives one of these keywords a value that says something."""
    return lambda site: any(site.argument(name) not in nothing for name in names)
