"""Whether an SPDX licence expression (SPDX 2.3, annex D) grants what a profile allows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from codex_evidence.errors import UsageError


def is_allowed(expression: str, allow: Collection[str]) -> bool:
    """Whether one alternative of ``expression`` consists of licences in ``allow`` alone. An exception (``WITH``) only
    adds rights, so the licence before it decides. False for a text that is no expression. Raises UsageError when the
    package that reads expressions is missing."""
    try:
        from license_expression import ExpressionError, Licensing
    except ImportError as error:
        raise UsageError("licences cannot be read; install with: pip install 'codex-audit[scan]'") from error
    try:
        parsed = Licensing().parse(expression)
    except ExpressionError:
        return False
    return parsed is not None and _holds(parsed, {one.casefold() for one in allow})


def _holds(part: Any, allow: set[str]) -> bool:
    from license_expression import AND, OR, LicenseWithExceptionSymbol

    if isinstance(part, OR):
        return any(_holds(one, allow) for one in part.args)
    if isinstance(part, AND):
        return all(_holds(one, allow) for one in part.args)
    symbol = part.license_symbol if isinstance(part, LicenseWithExceptionSymbol) else part
    return str(symbol.key).casefold() in allow
