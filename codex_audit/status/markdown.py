"""A status update as Markdown, from ``templates/``."""

from __future__ import annotations

import re

from codex_audit.reports.environment import environment
from codex_audit.reports.escaping import Markdown, cell, text, visible
from codex_audit.status.model import Citation, StatusUpdate

TEMPLATE = "status_update.md.j2"
_SPAN = re.compile(r"(`[^`\n]+`|\*\*[\w. ]+\*\*)")
_LONGEST = 300


def write(update: StatusUpdate) -> bytes:
    """UTF-8. The same update and templates give the same bytes."""
    filters = {
        "prose": prose,
        "cite": cite,
        "fence": fence,
        "place": place,
        "short": printable,
        "verbatim": verbatim,
        "figure": figure,
        "capitalize_first": capitalize_first,
    }
    template = environment(**filters).get_template(TEMPLATE)
    rendered = template.render(update=update)
    return re.sub(r"\n{3,}", "\n\n", rendered).encode("utf-8")


def capitalize_first(value: str) -> str:
    """``value`` as the start of a sentence."""
    return f"{value[:1].upper()}{value[1:]}"


def figure(value: float) -> Markdown:
    """Two digits."""
    return Markdown(f"{value:.2f}")


def prose(value: str) -> Markdown:
    """A sentence in which names stand between backticks, and figures between double asterisks, made safe: names become
    code, all else text. Works inside a table cell."""
    parts = enumerate(_SPAN.split(shortened(value, 1200)))
    return Markdown("".join(_piece(part, first=number == 0) for number, part in parts))


def _piece(part: str, *, first: bool) -> str:
    if len(part) > 2 and part[0] == part[-1] == "`":
        return cell(shortened(part[1:-1]))
    if _SPAN.fullmatch(part):
        return part
    lead, trail = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
    # Behind a span nothing is at the start of a line, so that the marks of lists need no escape there.
    shown = text(part) if first else text(f"x{part.strip()}")[1:]
    return f"{' ' if lead else ''}{shown}{' ' if trail and part.strip() else ''}"


def cite(item: Citation) -> Markdown:
    """``path:line`` as code, with the name that stands there."""
    place = cell(shortened(item.place))
    return Markdown(f"{place} ({cell(shortened(item.symbol, 60))})" if item.symbol else place)


def place(value: str) -> Markdown:
    """A path or a command as code, in a table or elsewhere."""
    return cell(shortened(value))


def fence(value: str, language: str = "") -> Markdown:
    """``value`` in a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall("`{3,}", value)), default=2)
    mark = "`" * (longest + 1)
    return Markdown(f"{mark}{language}\n{value.rstrip(chr(10))}\n{mark}")


def verbatim(value: str) -> Markdown:
    """A cell of the ledger, word for word: its code spans stay code, everything else shows as it is written there."""
    parts = re.split(r"((?<!`)`[^`]+`(?!`))", value)
    return Markdown("".join(_piece(part, first=number == 0) for number, part in enumerate(parts)))


def printable(value: str) -> str:
    """One line for a fence: characters that do not show as escapes."""
    return shortened(visible(value))


def shortened(value: str, most: int = _LONGEST) -> str:
    """``value``, cut where it is longer than anybody reads."""
    return value if len(value) <= most else f"{value[: most - 4]} ..."
