"""What a reader says of one file: plain, immutable facts with 1-based line numbers.

Facts of single places (a call, a setting, a heading) are named tuples, because a large tree yields
hundreds of thousands of them; facts of a whole file are frozen dataclasses. Nothing here holds an
absolute path, a file handle or an opinion.

Written values. Where a fact carries a value of Python source it is *text*: a constant as its
``repr`` (``'fp16'``, ``True``, ``3``), a name or attribute as its resolved dotted name
(``torch.float16``), a call as its resolved target followed by ``()``, a short literal list, tuple,
set or dict as Python source, and ``...`` for anything else.

Resolved names. A dotted name starts with what an import bound (``import torch as t; t.save`` is
``torch.save``). A relative import keeps its leading dots (``.utils.set_seed``); the tree resolves
them. A method on a value whose constructor is known is ``torch.optim.AdamW().step``; on ``self``
it is ``self.step``; on anything else the receiver is ``?`` (``?.step``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

GAP = 255
"""The byte of ``PythonFacts.statements`` that is no statement, but this many lines without one."""


class Argument(NamedTuple):
    """One argument of a call: ``name`` is empty for a positional one, ``*`` or ``**`` for a splat."""

    name: str
    value: str


class Import(NamedTuple):
    """``bound`` is the local name (``*`` for a star import), ``target`` the dotted name it stands for."""

    bound: str
    target: str
    line: int
    scope: str


class Call(NamedTuple):
    """A call that control flow can reach. ``loop`` says whether it stands in a for or while body.

    ``bound`` is what the result is assigned to (``model``, ``self.optimizer``), empty if nothing.
    """

    target: str
    line: int
    scope: str
    arguments: tuple[Argument, ...]
    bound: str
    loop: bool


class Parameter(NamedTuple):
    """A parameter of a function or a field of a class; ``annotation`` and ``default`` are written values."""

    name: str
    annotation: str
    default: str
    line: int


class Function(NamedTuple):
    """``name`` is qualified within the module (``Trainer.fit``); ``scope`` is where it is defined.

    ``stub``: the body is only a docstring, ``pass``, ``...`` or ``raise NotImplementedError``.
    """

    name: str
    line: int
    end: int
    scope: str
    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...]
    returns: str
    stub: bool
    documented: bool


class Class(NamedTuple):
    """``bases`` and ``decorators`` are resolved names; ``fields`` the annotated names of its body."""

    name: str
    line: int
    end: int
    scope: str
    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    fields: tuple[Parameter, ...]
    documented: bool


class Assignment(NamedTuple):
    """``target`` is a resolved name (``self.x``, ``torch.backends.cudnn.deterministic``, ``os.environ['K']``)."""

    target: str
    value: str
    line: int
    scope: str


class Text(NamedTuple):
    """A string constant where it can matter. ``role``: key (of a dict), subscript, compare, argument,
    return, element (of a list, tuple or set), assigned, or formatted (a literal part of an f-string
    or a format)."""

    text: str
    role: str
    line: int
    scope: str


class Item(NamedTuple):
    """One ``key: value`` of a dict display whose key is a string, or of a ``dict(key=value)`` call."""

    key: str
    value: str
    line: int
    scope: str


class Raise(NamedTuple):
    """A reachable raise; ``guarded`` when an ``if`` or an ``except`` of the same function encloses it."""

    exception: str
    line: int
    scope: str
    guarded: bool


class Handler(NamedTuple):
    """An ``except`` clause: the resolved exception names it catches, empty for a bare one."""

    exceptions: tuple[str, ...]
    line: int
    scope: str


class Reference(NamedTuple):
    """The first reachable use of a resolved name in a scope, calls included."""

    name: str
    line: int
    scope: str


class Test(NamedTuple):
    """A test function. ``asserts`` counts assertions in its body and in helpers of the same file that it calls."""

    name: str
    line: int
    asserts: int
    skipped: bool


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """A Python module, or the code cells of a notebook taken in order.

    ``statements`` holds a byte for each statement that can run, docstrings aside: how many lines below the one before
    it begins. 255 is no statement but 255 lines without one.
    """

    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    functions: tuple[Function, ...] = ()
    classes: tuple[Class, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    texts: tuple[Text, ...] = ()
    items: tuple[Item, ...] = ()
    raises: tuple[Raise, ...] = ()
    handlers: tuple[Handler, ...] = ()
    references: tuple[Reference, ...] = ()
    tests: tuple[Test, ...] = ()
    exported: tuple[str, ...] | None = None
    main_guard: int = 0
    documented: bool = False
    statements: bytes = b""

    def starts(self) -> list[int]:
        """The lines where statements begin, in ascending order."""
        steps = self.statements
        return [line for step, line in zip(steps, accumulate(steps), strict=True) if step != GAP]


class Setting(NamedTuple):
    """One scalar of a configuration file: ``key`` is dotted, list indices in brackets (``jobs.test.steps[0].run``)."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """TOML, YAML, INI or JSON flattened to scalars in file order; empty tables and lists have value ``{}``, ``[]``."""

    format: str
    settings: tuple[Setting, ...] = ()


class Requirement(NamedTuple):
    """``name`` normalised (PEP 503); ``pin`` the exact version for ``==`` or a lock, else empty; ``group`` the
    extra or dependency group, empty for runtime dependencies."""

    name: str
    specifier: str
    pin: str
    group: str
    line: int


@dataclass(frozen=True, slots=True)
class RequirementsFacts:
    """Declared dependencies of a requirements file, a lock file, pyproject, setup.cfg, or a conda environment."""

    format: str
    locked: bool
    requirements: tuple[Requirement, ...] = ()
    python: str = ""
    python_line: int = 0


class Instruction(NamedTuple):
    """One Dockerfile instruction, its name in capitals."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class DockerFacts:
    instructions: tuple[Instruction, ...] = ()


class Step(NamedTuple):
    """One command or reused action of a CI job: ``uses`` names an action or orb, ``run`` one shell command line."""

    job: str
    name: str
    uses: str
    run: str
    line: int


@dataclass(frozen=True, slots=True)
class CiFacts:
    """``system``: github, gitlab, circleci, azure, jenkins, buildkite, travis, drone, woodpecker, tox, nox, make."""

    system: str
    triggers: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class Hook(NamedTuple):
    repo: str
    id: str
    line: int


@dataclass(frozen=True, slots=True)
class HooksFacts:
    hooks: tuple[Hook, ...] = ()


class Heading(NamedTuple):
    level: int
    text: str
    line: int


class Fence(NamedTuple):
    """A fenced or indented code block, or a reST literal or code directive."""

    language: str
    text: str
    line: int


class Link(NamedTuple):
    target: str
    text: str
    line: int


MOST_PROSE = 150
"""Words of prose that are counted: a document of so many is no placeholder."""


@dataclass(frozen=True, slots=True)
class DocFacts:
    """Markdown or reST: ``words`` are the lower-case identifiers of prose and code, each once; ``prose`` counts
    words outside headings, fences and comments up to MOST_PROSE; ``spans`` are inline code."""

    headings: tuple[Heading, ...] = ()
    fences: tuple[Fence, ...] = ()
    links: tuple[Link, ...] = ()
    spans: tuple[Reference, ...] = ()
    words: frozenset[str] = frozenset()
    prose: int = 0


class Secret(NamedTuple):
    """Kind and place of something that looks like a live credential; never the value."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a file has no facts of one reader; ``words`` are the identifiers in its bytes, so that a probe can tell
    whether the file might have mattered."""

    reader: str
    reason: str
    line: int = 0
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Everything that was read of one file. A file can have facts of several readers (pyproject.toml is settings
    and requirements); what could not be read stands in ``unread``. ``blank``: nothing but white space
    was read of it.
    """

    path: str
    facets: frozenset[str]
    module: str = ""
    python: PythonFacts | None = None
    settings: SettingsFacts | None = None
    requirements: RequirementsFacts | None = None
    docker: DockerFacts | None = None
    ci: CiFacts | None = None
    hooks: HooksFacts | None = None
    doc: DocFacts | None = None
    secrets: tuple[Secret, ...] = ()
    unread: tuple[Unread, ...] = ()
    blank: bool = True
