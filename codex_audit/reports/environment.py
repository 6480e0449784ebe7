"""The template engine, set up so that whatever a template prints is escaped for the form that it makes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from codex_audit.reports.escaping import Markdown, cell, code, text, visible
from codex_evidence.resources import template_folder

if TYPE_CHECKING:
    from jinja2 import Environment


# Engines are kept, and with them their compiled templates: in a process that audits often, half of a small audit.
@cache
def environment(**filters: Any) -> Environment:
    """An engine for Markdown over ``templates/`` with ``filters`` beside those that every template may use."""
    made = _engine(finalize=_printed)
    made.filters.update(code=code, cell=cell, figure=lambda value: Markdown(_figure(value)), place=_place)
    made.filters.update(filters)
    return made


@cache
def html_environment(**filters: Any) -> Environment:
    """An engine for HTML and SVG: what a template prints is escaped, with characters that do not show made visible,
    unless it is ``markupsafe.Markup``."""
    made = _engine(finalize=_shown, autoescape=True)
    made.filters.update(figure=_figure, place=_place, **filters)
    return made


def _engine(**options: Any) -> Environment:
    # Imported here because not every format needs it, and the table of formats is read by every command.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701 - autoescaping is for HTML, and is on there; `finalize` escapes for Markdown
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def _printed(value: Any) -> Any:
    """What a template expression prints: numbers and Markdown as they are, all other text escaped."""
    return text(value) if isinstance(value, str) and not isinstance(value, Markdown) else value


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _figure(value: float | None) -> str:
    """Two digits, or a dash for what does not apply."""
    return "-" if value is None else f"{value:.2f}"


def _place(value: Any) -> str:
    """``path:line`` of evidence, or the path alone when no line is known."""
    return f"{value.path}:{value.line}" if value.line else str(value.path)
