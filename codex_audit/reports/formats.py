"""The formats of reports. Adding one is a module with a ``write`` and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_audit.reports.model import ReportInput


@dataclass(frozen=True, slots=True)
class Format:
    """``name`` is what a workflow and the chain call it, ``suffix`` the ending of its file, without a dot; ``module``
    of this room writes it, and is loaded when it does."""

    name: str
    suffix: str
    module: str

    def write(self, given: ReportInput) -> bytes:
        """The report as bytes."""
        written = import_module(f"codex_audit.reports.{self.module}").write(given)
        return bytes(written)


FORMATS: tuple[Format, ...] = (
    Format("markdown", "md", "markdown"),
    Format("json", "json", "matrix"),
    Format("html", "html", "html"),
    Format("sarif", "sarif", "sarif"),
    Format("junit", "xml", "junit"),
    Format("summary", "summary.md", "summary"),
    Format("badge", "svg", "badge"),
)
