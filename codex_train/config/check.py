"""What values a setting may have, as tables: bounds, names, and rules between settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from codex_evidence.credentials import holds_key
from codex_evidence.errors import UsageError
from codex_evidence.plain import to_plain
from codex_evidence.strict_json import MAX_INTEGER
from codex_train.config.nouns import Config, Format, Precision, ScheduleKind


@dataclass(frozen=True, slots=True)
class Bounds:
    """From ``low`` to ``high``, both included unless ``above`` or ``below`` says otherwise."""

    low: float
    high: float
    above: bool = False
    below: bool = False

    def hold(self, value: float) -> bool:
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        if self.high >= MAX_INTEGER:
            return f"above {self.low:g}" if self.above else f"at least {self.low:g}"
        if self.above or self.below:
            low = "above" if self.above else "at least"
            return f"{low} {self.low:g} and {'below' if self.below else 'at most'} {self.high:g}"
        return f"between {self.low:g} and {self.high:.12g}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the setting ``key``, a sentence that begins with a setting's name."""

    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``broken`` tells whether the setting ``key`` contradicts others; ``message`` says what to do."""

    key: str
    broken: Callable[[Config], bool]
    message: str


_COUNT = Bounds(0, MAX_INTEGER)
_MANY = Bounds(1, MAX_INTEGER)
_SHARE = Bounds(0, 1)
_PART = Bounds(0, 1, below=True)

BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "lora.rank": Bounds(0, 65536),
        "lora.alpha": Bounds(0, 1e6, above=True),
        "lora.dropout": _PART,
        "data.context": Bounds(2, 2**24),
        "data.validation": _PART,
        "data.noise": _SHARE,
        "data.workers": Bounds(0, 256),
        "optimizer.lr": Bounds(0, 1e3, above=True),
        "optimizer.beta1": _PART,
        "optimizer.beta2": _PART,
        "optimizer.eps": Bounds(0, 1, above=True),
        "optimizer.weight_decay": Bounds(0, 1e3),
        "optimizer.clip": Bounds(0, 1e9),
        "schedule.warmup": _COUNT,
        "schedule.decay": _COUNT,
        "schedule.final": _SHARE,
        "run.steps": _COUNT,
        "run.epochs": Bounds(0, 1e9, above=True),
        "run.batch": Bounds(1, 2**31),
        "run.micro_batch": Bounds(0, 2**31),
        "run.seed": _COUNT,
        "run.threads": Bounds(0, 4096),
        "run.patience": _COUNT,
        "evaluation.every": _COUNT,
        "evaluation.max_samples": _COUNT,
        "evaluation.batch": Bounds(0, 2**31),
        "evaluation.max_answers": _COUNT,
        "evaluation.answer_limit": Bounds(1, 2**24),
        "checkpoint.every": _COUNT,
        "checkpoint.keep_last": _COUNT,
        "checkpoint.keep_best": _COUNT,
        "checkpoint.pinned": _MANY,
        "monitoring.log_every": _MANY,
        "monitoring.interval": Bounds(0, 86400),
    }
)
"""Of every number; of a list, what each number in it must keep."""

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "model.dtype": ("float32", "bfloat16", "float16"),
        "run.device": ("auto", "cpu", "cuda"),
        "evaluation.metrics": ("exact", "f1", "bleu", "rouge", "chrf"),
    }
)
"""Of a name; of a list, what each name in it must be."""

PATTERNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "name": (
            r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            "at most 64 letters, digits, '.', '_' and '-', as it names a folder",
        ),
        "model.architecture": (r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "a model type such as llama"),
        "data.text_key": (r"^.+$", "the name of a field"),
        "data.prompt_key": (r"^.+$", "the name of a field"),
        "data.answer_key": (r"^.+$", "the name of a field"),
        "model.attention": (r"^.+$", "a name such as sdpa"),
    }
)

RULES = (
    Rule(
        "model.gguf",
        lambda c: bool(c.model.gguf and not c.model.path),
        "model.gguf needs model.path, its folder",
    ),
    Rule("lora.dora", lambda c: c.lora.dora and not c.lora.rank, "lora.dora needs a lora.rank above 0"),
    Rule(
        "lora.targets",
        lambda c: bool(c.lora.targets and not c.lora.rank),
        "lora.targets needs a lora.rank above 0",
    ),
    Rule(
        "data.separator",
        lambda c: bool(c.data.separator) and c.data.format is not Format.text,
        "data.separator is for data.format=text alone; leave it out",
    ),
    Rule(
        "data.prompt_key",
        lambda c: c.data.format is Format.instructions and c.data.prompt_key == c.data.answer_key,
        "data.prompt_key and data.answer_key must be two fields",
    ),
    Rule(
        "schedule.decay",
        lambda c: c.schedule.decay > 0 and c.schedule.kind is not ScheduleKind.wsd,
        "schedule.decay is for schedule.kind=wsd alone; leave it out",
    ),
    Rule(
        "schedule.kind",
        lambda c: c.schedule.kind is ScheduleKind.wsd and c.schedule.decay == 0,
        "schedule.kind=wsd needs schedule.decay, the number of last steps in which the rate falls",
    ),
    Rule(
        "schedule.warmup",
        lambda c: 0 < c.run.steps < c.schedule.warmup + c.schedule.decay,
        "schedule.warmup and schedule.decay together are more steps than run.steps",
    ),
    Rule(
        "run.micro_batch",
        lambda c: c.run.micro_batch > 0 and c.run.batch % c.run.micro_batch != 0,
        "run.micro_batch must divide run.batch",
    ),
    Rule(
        "run.precision",
        lambda c: c.run.precision is Precision.float16 and c.model.dtype != "float32",
        "run.precision=float16 needs model.dtype=float32: its gradient scaler works on 32-bit weights",
    ),
    Rule(
        "run.patience",
        lambda c: c.run.patience > 0 and c.evaluation.every == 0,
        "run.patience needs evaluation.every: it counts evaluations",
    ),
    Rule(
        "evaluation.every",
        lambda c: c.evaluation.every > 0 and c.data.validation == 0,
        "evaluation.every needs a data.validation above 0: nothing is held out",
    ),
    Rule(
        "evaluation.metrics",
        lambda c: bool(c.evaluation.metrics) and c.data.format is not Format.instructions,
        "evaluation.metrics compares answers, so it needs data.format=instructions",
    ),
    Rule(
        "evaluation.metrics",
        lambda c: bool(c.evaluation.metrics) and c.data.validation == 0,
        "evaluation.metrics needs a data.validation above 0: no pair is held out",
    ),
    Rule(
        "evaluation.metrics",
        lambda c: len(set(c.evaluation.metrics)) < len(c.evaluation.metrics),
        "evaluation.metrics names a score twice",
    ),
    Rule(
        "checkpoint.pinned",
        lambda c: len(set(c.checkpoint.pinned)) < len(c.checkpoint.pinned),
        "checkpoint.pinned names a step twice",
    ),
    Rule(
        "checkpoint.pinned",
        lambda c: 0 < c.run.steps < max(c.checkpoint.pinned, default=0),
        "checkpoint.pinned names a step beyond run.steps",
    ),
    Rule(
        "monitoring.interval",
        lambda c: 0 < c.monitoring.interval < 0.05,
        "monitoring.interval must be 0 for none, or at least 0.05 seconds",
    ),
)


def problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with the values of ``config``, in the order of the tables."""
    yield from _values(config)
    yield from (Problem(rule.key, rule.message) for rule in RULES if rule.broken(config))
    for key, text in _texts("", to_plain(config)):
        if holds_key(text):  # which is not repeated here
            yield Problem(
                key, f"{key} holds a password or an access token; leave it out, as settings are recorded"
            )


def _values(config: Config) -> Iterator[Problem]:
    """What is wrong with single values."""
    for key, bounds in BOUNDS.items():
        for number in _each(value_of(config, key)):
            if not bounds.hold(number):
                yield Problem(key, f"{key} must be {bounds}, not {number}")
    for key, names in CHOICES.items():
        for name in _each(value_of(config, key)):
            if name not in names:
                yield Problem(key, f"{key} must be one of {', '.join(names)}, not {name!r}")
    for key, (pattern, what) in PATTERNS.items():
        if not re.fullmatch(pattern, value := value_of(config, key)):
            yield Problem(key, f"{key} must be {what}, not {value!r}")


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each text below ``value`` with the dotted name of its setting; a list counts as its setting."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(f"{key}.{name}" if key else str(name), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(key, item)


def check(config: Config, places: Mapping[str, str] = MappingProxyType({}), source: str = "") -> None:
    """Raises UsageError for the first problem, with the place of its setting (``source`` where that has none), and how
    many more there are."""
    found = list(problems(config))
    if not found:
        return
    place = places.get(found[0].key, source)
    if holds_key(place):  # an override, which is named by its text
        place = "an override"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise UsageError(f"{place}: {found[0].message}{more}" if place else found[0].message + more)


def check_steps(config: Config, steps: int) -> None:
    """As ``check``, once it is known that ``run.epochs`` come to so many ``steps``. Raises UsageError."""
    schedule, pinned = config.schedule, max(config.checkpoint.pinned, default=0)
    if steps < schedule.warmup + schedule.decay:
        what = f"schedule.warmup and schedule.decay together are {schedule.warmup + schedule.decay} steps"
    elif steps < pinned:
        what = f"checkpoint.pinned names step {pinned}"
    else:
        return
    raise UsageError(f"{what}, but run.epochs={config.run.epochs:g} makes {steps} in all")


def value_of(config: Config, key: str) -> Any:
    """The value of the setting with the dotted name ``key``."""
    return attrgetter(key)(config)
