"""The formats of reports. Adding one is a module with a ``write`` and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codex_audit.reports import markdown, matrix
from codex_audit.reports.model import ReportInput


@dataclass(frozen=True, slots=True)
class Format:
    """``name`` is what a workflow and the chain call it, ``suffix`` the ending of its file, without a dot."""

    name: str
    suffix: str
    write: Callable[[ReportInput], bytes]


FORMATS: tuple[Format, ...] = (
    Format("markdown", "md", markdown.write),
    Format("json", "json", matrix.write),
)
