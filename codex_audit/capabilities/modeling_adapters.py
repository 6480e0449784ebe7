"""Adapters: those of a library, and layers of the tree that adapt another layer."""

from __future__ import annotations

import re

from codex_audit.capabilities.modeling_names import BASES
from codex_audit.capabilities.training_loops import loops
from codex_audit.facts.model import Class
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

ADAPTERS = (
    "peft.get_peft_model",
    "peft.*Config",
    "peft.inject_adapter_in_model",
    "unsloth.*.get_peft_model",
    "adapters.init",
    "adapters.AutoAdapterModel.from_pretrained",
    "loralib.*",
    "mlx_lm.tuner.utils.linear_to_lora_layers",
    "torchtune.modules.peft.*",
    "flax.nnx.LoRA*",
    "*.enable_lora",
)
# A trained adapter that is loaded can be served as well as tuned further.
LOADED = ("peft.PeftModel*.from_pretrained", "peft.AutoPeftModel*.from_pretrained")
LAYERS = (*BASES, "keras.*Layer", "tensorflow.keras.*Layer")
_MIXIN = "transformers.integrations.*PeftAdapterMixin"
_PROMPT_TUNING = re.compile(r"\.(Prompt\w*|Prefix\w*|PTuning\w*|PromptEncoder\w*)Config")
_ADAPTER_CLASS = re.compile(
    r"(?:^|_|[a-z0-9])(?:Q?LoRA|Lora|DoRA|LoHa|LoKr|IA3)|^LORA"
    r"|^(?:Houlsby|Pfeiffer|Bottleneck|Parallel|Residual|Linear|Compacter)?Adapter(?:Layer|Block|Module|Linear)?$"
)
_LAYER = re.compile(r"(?:Linear|Embedding|Embed|Conv\w*|Dense\w*|Einsum)$")
_ADAPTED = re.compile(
    r"_*(?:base|target|orig(?:inal)?|pretrained|frozen|wrapped|parent|old)(?:_(?:layer|module|model|linear|weights?))?"
    r"|module|layer|linear|dense|conv",
    re.IGNORECASE,
)
_SCALED = re.compile(r"(?:\w+_)?(?:alpha|scaling|adapter_?dropout|lora_?dropout)(?:_\w+)?", re.IGNORECASE)
_MERGES = re.compile(r"_*(?:un|de)?(?:merge|fuse)\w*|from_(?:base|linear|layer|module)\w*|to_linear")


def adapters(tree: Tree) -> Found:
    """Calls of adapter libraries, and own layers that adapt something."""
    library = tree.calls(*ADAPTERS, where=lambda site: _adds(tree, site), why="adds adapters with {}")
    loaded = tree.calls(*LOADED, where=lambda site: _adds(tree, site), why="loads adapters with {}")
    own = tree.subclasses(
        *LAYERS, where=lambda module, cls: _is_adapter(tree, module, cls), why="an adapter layer on {}"
    )
    mixed = tree.subclasses(_MIXIN, why="takes the adapters of {}") | tree.references(
        _MIXIN, where=_passes_on, why="passes adapters on to {}"
    )
    served = loaded and not loops(tree)
    trained = loaded.as_near("loads trained adapters; nothing here trains") if served else loaded
    return library | own | mixed | trained


def _adds(tree: Tree, site: Site) -> bool:
    """A library's adapter; the settings classes of the audited library itself add nothing."""
    return not _PROMPT_TUNING.search(site.target) and tree.modules.split(site.target)[0] is None


def _passes_on(site: Site) -> bool:
    """Whether a class beside the reference has a method that adds an adapter."""
    return any(last(item.name) == "add_adapter" for item in site.module.facts.functions)


def _is_adapter(tree: Tree, module: Module, cls: Class) -> bool:
    """A layer named as an adapter that has a layer to adapt: one it derives from, is handed, scales or merges into.
    A low-rank layer without any is just a small layer."""
    if _ADAPTER_CLASS.search(last(cls.name)) is None:
        return False
    node = node_of(module, cls.name)
    bases = tree.modules.ancestors(node)
    family = [(module, cls), *(found for base in bases if (found := tree.modules.class_of(base)) is not None)]
    runs = any(
        f"{item.name}.{name}" in home.functions
        for home, item in family
        for name in ("forward", "__call__", "call", "__init__")
    )
    derives = any(_LAYER.search(last(base)) for base in bases)
    return runs and (derives or any(_adapts(home, item) for home, item in family))


def _adapts(module: Module, cls: Class) -> bool:
    inside = [item for item in module.facts.functions if item.scope == cls.name]
    if any(_MERGES.fullmatch(last(item.name)) for item in inside):
        return True
    taken = [item for function in inside for item in function.parameters if last(function.name) != "forward"]
    return any(
        _ADAPTED.fullmatch(item.name) or _SCALED.fullmatch(item.name) or _LAYER.search(item.annotation)
        for item in (*taken, *cls.fields)
    )
