"""The template engine, set up so that whatever a template prints is escaped for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_audit.reports.escaping import Markdown, cell, code, text
from codex_evidence.resources import template_folder

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(**filters: Any) -> Environment:
    """An engine over ``templates/`` with ``filters`` beside those that every template may use."""
    # Imported here because only this format needs it, and the table of formats is read by every command.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(  # noqa: S701 - autoescaping is for HTML; `finalize` escapes for Markdown
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printed,
    )
    made.filters.update(code=code, cell=cell, **filters)
    return made


def _printed(value: Any) -> Any:
    """What a template expression prints: numbers and Markdown as they are, all other text escaped."""
    return text(value) if isinstance(value, str) and not isinstance(value, Markdown) else value
