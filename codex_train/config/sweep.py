"""The jobs of a sweep: Hydra's basic multirun grammar, every combination of values, the last key changing fastest.

``a=1,2`` and ``a=choice(1,2)`` give values; ``a=range(1,10,2)`` numbers up to, and without, the second argument;
``sort(..., reverse=true)`` puts values or another of these in order. What Hydra's other sweepers add (``interval``,
``glob``, ``shuffle``, ``tag``) is refused by name.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from codex_evidence.errors import UsageError
from codex_train.config.fields import settings, unknown
from codex_train.config.overrides import Call, Element, Override, parse_override
from codex_train.config.written import Scalar, refuse

MOST_JOBS = 1000

_UNSUPPORTED = MappingProxyType(
    {
        "interval": "interval() has no end of values; give those to try, as in key=0.1,0.3,1",
        "glob": "glob() chooses among Hydra's config groups, which are not here; list the values",
        "shuffle": "shuffle() would draw another order each time; list the values in the order you want",
        "tag": "tag() is for other sweepers; leave it out",
        "extend_list": "extend_list() is not here; give the whole list",
        **{
            name: f"{name}() is not needed: the setting's own type decides; write the values without it"
            for name in ("int", "float", "str", "bool", "json_str")
        },
    }
)


@dataclass(frozen=True, slots=True)
class Job:
    """The overrides of one run, and those among them that differ from job to job."""

    number: int
    overrides: tuple[str, ...]
    varied: tuple[str, ...]


def sweep_jobs(overrides: Sequence[str]) -> tuple[Job, ...]:
    """All combinations in Hydra's order. Raises UsageError; also where there is nothing to sweep over."""
    parsed = [parse_override(text) for text in overrides]
    _check_keys(parsed)
    axes = [_axis(one) for one in parsed]
    count = math.prod(map(len, axes))
    if all(not _sweeps(one) for one in parsed):
        raise UsageError("nothing to sweep over; give several values, such as optimizer.lr=1e-3,3e-4")
    if count > MOST_JOBS:
        raise UsageError(f"these overrides make {count} jobs, more than {MOST_JOBS}; give fewer values")
    varied = [index for index, one in enumerate(parsed) if _sweeps(one)]
    return tuple(
        Job(number, combination, tuple(combination[index] for index in varied))
        for number, combination in enumerate(itertools.product(*axes))
    )


def _sweeps(override: Override) -> bool:
    return len(override.elements) > 1 or isinstance(override.elements[0], Call)


def _check_keys(overrides: Sequence[Override]) -> None:
    seen: set[str] = set()
    for one in overrides:
        if one.key in seen:
            refuse(one.place, f"{one.key} is given twice; give all its values at once, as in {one.key}=1,2")
        if _sweeps(one) and one.key not in settings() and not one.key.startswith("model.options."):
            refuse(one.place, unknown(one.key))
        seen.add(one.key)


def _axis(override: Override) -> list[str]:
    """``key=value`` for each value of ``override``."""
    elements = override.elements
    if len(elements) > 1 and (call := next((one for one in elements if isinstance(one, Call)), None)):
        refuse(
            override.place, f"{call.name}() stands beside other values; a sweep is one list or one function"
        )
    values = [one.text for element in elements for one in _values(element, override.place)]
    if not values:
        refuse(override.place, "no value is left to try; look at the ends of the range")
    return [f"{override.key}={value}" for value in values]


def _values(element: Element | Call, place: str) -> list[Element]:
    if isinstance(element, Element):
        return [element]
    if element.name in _UNSUPPORTED:
        refuse(place, _UNSUPPORTED[element.name])
    if element.name not in _FUNCTIONS:
        meant = difflib.get_close_matches(element.name, _FUNCTIONS, n=1, cutoff=0.5)
        known = f"did you mean {meant[0]}()?" if meant else f"there are {', '.join(sorted(_FUNCTIONS))}"
        refuse(place, f"unknown function {element.name}(); {known} A text with parentheses goes in quotes")
    return _FUNCTIONS[element.name](element, place)


def _choice(call: Call, place: str) -> list[Element]:
    if call.named or not call.arguments:
        refuse(place, "choice() takes the values to try, as in choice(1,2,3)")
    if inner := next((one for one in call.arguments if isinstance(one, Call)), None):
        refuse(place, f"choice() cannot hold {inner.name}(); list the values")
    return [one for one in call.arguments if isinstance(one, Element)]


def _range(call: Call, place: str) -> list[Element]:
    """Exact in decimals, so that range(0,0.3,0.1) has three values."""
    names = ("start", "stop", "step")
    given = {name: _number(one, place) for name, one in zip(names, call.arguments, strict=False)}
    if len(call.arguments) == 1 and not any(name == "stop" for name, _ in call.named):
        given = {"stop": given["start"]}
    for name, value in call.named:
        if name not in names or name in given:
            refuse(place, "range() takes start, stop and step, each once, as in range(1,10,2)")
        given[name] = _number(value, place)
    if "stop" not in given or len(call.arguments) > len(names):
        refuse(place, "range() takes (stop), (start,stop) or (start,stop,step)")
    start, stop, step = given.get("start", Decimal(0)), given["stop"], given.get("step", Decimal(1))
    if step == 0:
        refuse(place, "the step of range() must not be 0")
    count = max(0, math.ceil((stop - start) / step))
    if count > MOST_JOBS:
        refuse(place, f"range() has {count} values, more than {MOST_JOBS}")
    return [_decimal(start + index * step, place) for index in range(count)]


def _sort(call: Call, place: str) -> list[Element]:
    flags = dict(call.named)
    reverse = flags.pop("reverse", None)
    words = {"true": True, "false": False}
    text = "false" if reverse is None else reverse.text.lower()
    if flags or text not in words or not call.arguments:
        refuse(
            place, "sort() takes values, and reverse=true or reverse=false, as in sort(3,1,2,reverse=true)"
        )
    if len(call.arguments) > 1 and any(isinstance(one, Call) for one in call.arguments):
        refuse(place, "sort() takes values or one function, as in sort(range(1,4))")
    values = [one for argument in call.arguments for one in _values(argument, place)]
    return sorted(values, key=_rank(values, place), reverse=words[text])


def _rank(values: Sequence[Element], place: str) -> Callable[[Element], Decimal | str]:
    numbers = [_decimal_of(one) for one in values]
    if all(number is not None for number in numbers):
        return lambda one: _decimal_of(one) or Decimal(0)
    if any(number is not None for number in numbers):
        refuse(place, "sort() cannot compare numbers with texts; sort one or the other")
    return lambda one: one.text


def _number(element: Element | Call, place: str) -> Decimal:
    number = None if isinstance(element, Call) else _decimal_of(element)
    if number is None:
        refuse(place, f"range() takes numbers, not {element.text!r}")
    return number


def _decimal_of(element: Element) -> Decimal | None:
    value = element.value
    if not isinstance(value, Scalar) or value.quoted:
        return None
    try:
        number = Decimal(value.text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and -400 < number.adjusted() < 400 else None


def _decimal(number: Decimal, place: str) -> Element:
    text = format(number, "f") if abs(number.adjusted()) < 7 else str(number).replace("E", "e")
    return Element(Scalar(text, False, place), text)


_FUNCTIONS: Mapping[str, Callable[[Call, str], list[Element]]] = MappingProxyType(
    {"choice": _choice, "range": _range, "sort": _sort}
)
