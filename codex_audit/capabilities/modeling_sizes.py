"""Sizes of models by name, and options that list the models to choose from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from codex_audit.query.found import Found
from codex_audit.query.modules import Module
from codex_audit.query.options import normalised
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

_LISTED = re.compile(r"Literal\[[^\]]*,|^click\.Choice\(\)$")
SIZES = tuple(
    (
        "n_layer n_layers num_layers num_hidden_layers n_embd n_embed embed_dim hidden_size hidden_dim "
        "d_model dim depth n_head n_heads num_heads num_attention_heads width num_blocks encoder_layers "
        "intermediate_size"
    ).split()
)
CHOICES = tuple(
    (
        "model arch architecture model_type model_name model_arch net network backbone encoder "
        "encoder_type variant model_size size model_class net_type head head_type policy agent "
        "model_variant"
    ).split()
)
# Words that name a choice of many other things, unless a parser of a training script asks for them.
_LOOSE = ("policy", "agent")
_NOT_SIZES = ("dict", "functools.partial")


def choices(tree: Tree) -> Found:
    """Options that list the models to choose from."""
    flags = tree.calls(
        "*.add_argument",
        where=lambda site: site.has("choices") and normalised(site.argument("", 0).strip("'\"")) in CHOICES,
        why="lets the user choose the model",
    )
    literals = tree.options(
        *CHOICES,
        where=lambda option: _LISTED.search(option.annotation) is not None and option.name not in _LOOSE,
    )
    return flags | literals


def size_tables(tree: Tree) -> Found:
    """Two or more named sets of sizes in one scope: the keys that say how large a model is."""
    sites = []
    for module in tree.code:
        rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for scope, key, line in _sizes(module):
            if "test" not in scope:
                rows[(scope, key)].append(line)
        sites += [
            Site(module, key, min(lines), scope) for (scope, key), lines in rows.items() if len(lines) > 1
        ]
    return tree.sites(sites, "a table of model sizes, by {}", ("a table of sizes",), strength="declared")


def _sizes(module: Module) -> Iterator[tuple[str, str, int]]:
    """Scope, key and line of each size: in a dictionary, or given to a call that is the value of a key."""
    for item in module.facts.items:
        if item.key in SIZES and _is_size(item.value):
            yield item.scope, item.key, item.line
    named = {
        (module.statement(item.line), item.value) for item in module.facts.items if item.value.endswith("()")
    }
    for call in module.facts.calls:
        place = (module.statement(call.line), f"{call.target}()")
        if place in named and call.target not in _NOT_SIZES:
            for argument in call.arguments:
                if argument.name in SIZES and _is_size(argument.value):
                    yield call.scope, argument.name, call.line


def _is_size(value: str) -> bool:
    """``dim=1`` names an axis."""
    return value.isdigit() and value not in ("0", "1")
