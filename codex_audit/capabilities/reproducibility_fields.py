"""Whether a version that code reads becomes part of a record: a field, or a line of a text that is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import Call
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.tree import Tree

TEXT_WRITES = (
    "*.write",
    "*.write_text",
    "*.writelines",
    "*.write_bytes",
    "*.writestr",
    "*.add_text",
    "*.log_text",
)
CARDS = ("huggingface_hub.*Card", "*.ModelCard", "*.ModelCard.*", "*Card.load", "*Card.from_template")
# What a record may hold of a description of a device.
_DESCRIBES = r"(?:\(\))?(?:\.(?:name|total_memory|total|major|minor|release|node))?(?:\.split\(\))?$"
_NEAR = 8
"""Statements between a text and the version that ends it."""
_SHOWS_VERSION = frozenset({"add_argument", "version_option", "VersionOption"})
_COMPARES = frozenset({"parse", "Version", "LooseVersion", "StrictVersion", "parse_version"})
_ANSWERS = re.compile(
    r"version|commit|revision|(?:^|_)(?:sha|git|env|environment|host|hostname|platform|gpu)(?:_|$)",
    re.IGNORECASE,
)
_REPORT = re.compile(
    r"env(?:ironment)?(?:_|$)|sys(?:tem)?_?(?:info|desc)|hardware|platform|versions|packages|provenance",
    re.IGNORECASE,
)
_CARD = re.compile(r"model_?card", re.IGNORECASE)
_CONVERTS = re.compile(r"convert|conversion|migrat|v\d_to_v\d", re.IGNORECASE)
_SENT_AWAY = re.compile(r"user.?agent|telemetry|library_version", re.IGNORECASE)


def is_recorded(tree: Tree, item: Evidence) -> bool:
    """Whether a reference to a version is kept. What is compared, printed or sent to a server as the user agent is
    not, nor what a converter of files puts in."""
    module = tree.module_at[item.path]
    if _SENT_AWAY.search(item.scope) or _CONVERTS.search(f"{item.path}/{item.scope}"):
        return False
    if _is_compared(module, item) or _prints_whole(tree, module, item):
        return False
    return _is_field(tree, module, item) or _is_line(tree, module, item) or _is_answered(tree, module, item)


def _is_compared(module: Module, item: Evidence) -> bool:
    here = module.statement(item.line)
    return any(
        call.scope == item.scope and last(call.target) in _COMPARES and module.statement(call.line) == here
        for call in module.facts.calls
    ) or any(text.role == "compare" and module.statement(text.line) == here for text in module.facts.texts)


def _prints_whole(tree: Tree, module: Module, item: Evidence) -> bool:
    """A function that prints, and neither writes nor answers to one that does, is a report that a user must run by
    hand."""
    inside = {last(call.target) for call in module.facts.calls if call.scope == item.scope}
    if "print" not in inside or any(name.startswith(("write", "dump", "save", "log_")) for name in inside):
        return False
    users = tree.uses.users.get(node_of(module, item.scope), frozenset()) if item.scope else frozenset()
    return not users & tree.nodes_calling(*TEXT_WRITES)


def _is_field(tree: Tree, module: Module, item: Evidence) -> bool:
    """The value of an entry of a dictionary, or a keyword that names a version."""
    here = module.statement(item.line)
    in_dict = any(
        entry.scope == item.scope
        and not _SENT_AWAY.search(entry.key)
        and (
            _names(tree, module, entry.value, item.symbol)
            or (entry.value == "..." and module.statement(entry.line) == here)
        )
        for entry in module.facts.items
    )
    ending = re.compile(re.escape(last(item.symbol)) + _DESCRIBES)
    entered = re.compile(rf": [\w.:]*{re.escape(last(item.symbol))}(?:\(\))?[,}}]")
    stored = any(
        module.statement(fact.line) == here
        and ((fact.target.endswith("]") and ending.search(fact.value)) or entered.search(fact.value))
        for fact in module.facts.assignments
    )
    return in_dict or stored or any(_takes_field(tree, module, call, item) for call in module.facts.calls)


def _takes_field(tree: Tree, module: Module, call: Call, item: Evidence) -> bool:
    """A keyword that names a version, any field of a record that the tree defines, or what is written outright."""
    if call.scope != item.scope or module.statement(call.line) != module.statement(item.line):
        return False
    if last(call.target) in _SHOWS_VERSION:
        return False
    if last(call.target).startswith("write"):
        return any(last(item.symbol) in argument.value for argument in call.arguments)
    record = tree.modules.class_of(tree.modules.canonical(call.target, module)) is not None
    return any(
        last(item.symbol) in argument.value or argument.value == "..."
        for argument in call.arguments
        if (argument.name.endswith("version") or (record and argument.name))
        and not _SENT_AWAY.search(argument.name)
    )


def _names(tree: Tree, module: Module, value: str, symbol: str) -> bool:
    return tree.modules.canonical(value, module).removesuffix("()") == symbol


def _is_line(tree: Tree, module: Module, item: Evidence) -> bool:
    """Part of a text: in a report of the environment that its function or a user of it writes, or in a model card."""
    node = node_of(module, item.scope)
    if _REPORT.search(last(item.scope)):
        users = tree.uses.users.get(node, frozenset()) | {node}
        return bool(users & tree.nodes_calling(*TEXT_WRITES))
    told = any(
        text.scope == item.scope
        and text.role == "formatted"
        and (0 <= module.apart(text.line, item.line) <= _NEAR or "version" in text.text.lower())
        for text in module.facts.texts
    )
    return told and (_CARD.search(last(item.scope)) is not None or node in tree.nodes_calling(*CARDS))


def _is_answered(tree: Tree, module: Module, item: Evidence) -> bool:
    """Returned by a function named after it, whose result becomes a field: of a dictionary, a call, or its class."""
    name = last(item.scope)
    if not _ANSWERS.search(name):
        return False
    node = node_of(module, item.scope)
    owner = module.classes.get(item.scope.rpartition(".")[0])
    users = tree.uses.users.get(node, frozenset())
    if owner is not None and any(field.name.endswith("version") for field in owner.fields):
        return any(user.startswith(f"{node_of(module, owner.name)}.") for user in users)
    return any(node == answer for user in users for answer in _fields_of(tree, user))


def _fields_of(tree: Tree, node: str) -> Iterator[str]:
    """The absolute names of the functions whose results a function puts into fields."""
    module, scope = tree.modules.split(node)
    if module is None:
        return
    for entry in module.facts.items:
        if entry.scope == scope and entry.value.endswith("()") and not _SENT_AWAY.search(entry.key):
            yield tree.modules.canonical(entry.value, module).removesuffix("()")
    for fact in module.facts.assignments:
        if fact.scope == scope and fact.target.endswith("']") and fact.value.endswith("()"):
            yield tree.modules.canonical(fact.value, module).removesuffix("()")
