"""Networks written as plain functions: graphs of TensorFlow 1, and functions of parameters as in JAX."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.facts.model import Function
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

VARIABLES = (
    "tensorflow.get_variable",
    "tensorflow.layers.*",
    "tensorflow.contrib.layers.*",
    "tensorflow.contrib.rnn.*",
    "tensorflow.contrib.slim.*",
    "tf_slim.*",
    "haiku.get_parameter",
)
PRODUCTS = (
    "tensorflow.matmul",
    "tensorflow.einsum",
    "tensorflow.tensordot",
    "tensorflow.nn.conv*",
    "tensorflow.nn.*rnn*",
    "tensorflow.layers.*",
    "tensorflow.contrib.layers.*",
    "tensorflow.contrib.slim.*",
    "tf_slim.*",
    "jax.numpy.dot",
    "jax.numpy.matmul",
    "jax.numpy.einsum",
)
CURVES = ("jax.nn.*", "jax.numpy.tanh", "jax.numpy.maximum", "jax.numpy.exp", "jax.scipy.special.*")
GRADIENTS = ("jax.grad", "jax.value_and_grad")
_WEIGHTS = re.compile(r"params?|parameters|weights?|theta|ws?")
_FORWARD = re.compile(r"_*(?:\w+_)?(?:forward|predict|apply|net|network|mlp|cnn|rnn|model|logits)(?:_\w+)?")
_MULTIPLIES = frozenset({"dot", "matmul", "einsum", "dot_general", "conv_general_dilated", "conv"})
DEEP = 3


def functional_networks(tree: Tree) -> Found:
    """Functions that build or apply a network without any class for it."""
    return tree.sites(
        _graphs(tree),
        "builds a network in {}",
        ("a function that makes variables and multiplies",),
        "declared",
    ) | tree.sites(
        _pure(tree),
        "applies a network in {}",
        ("a function of parameters, with products and activations",),
        "declared",
    )


def _graphs(tree: Tree) -> Iterator[Site]:
    """Functions that make variables themselves and, alone or with others, multiply with them, and that another module
    or the body of a script runs."""
    products = tree.nodes_calling(*PRODUCTS)
    for node in sorted(tree.nodes_calling(*VARIABLES)):
        module, inner = tree.modules.split(node)
        function = module.functions.get(inner) if module is not None else None
        if module is None or function is None or "." in inner:
            continue
        users = tree.uses.users.get(node, frozenset())
        whole = any(
            tree.modules.split(user)[0] is not module or user == node_of(module, "") for user in users
        )
        if whole and tree.uses.reached_from([node], DEEP) & products:
            yield Site(module, function.name, function.line, function.name)


def _pure(tree: Tree) -> Iterator[Site]:
    """Functions of parameters that multiply and bend, where the tree takes gradients of functions."""
    if not tree.nodes_calling(*GRADIENTS):
        return
    for node in sorted(tree.nodes_calling(*CURVES)):
        module, inner = tree.modules.split(node)
        function = module.functions.get(inner) if module is not None else None
        if module is not None and function is not None and _applies(module, function):
            yield Site(module, function.name, function.line, function.name)


def _applies(module: Module, function: Function) -> bool:
    """Weights come first, and there is a product by name, or ``@``, which leaves no call: then the name must say that
    this is the forward pass."""
    if not function.parameters or _WEIGHTS.fullmatch(function.parameters[0].name.lower()) is None:
        return False
    called = {last(call.target) for call in module.facts.calls if call.scope == function.name}
    return bool(called & _MULTIPLIES) or _FORWARD.fullmatch(last(function.name)) is not None
