"""The checks behind the modeling probes."""

from __future__ import annotations

import re

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.modeling_choice import libraries, registries, tables
from codex_audit.capabilities.modeling_functions import functional_networks
from codex_audit.capabilities.modeling_names import (
    BASES,
    CLASSES,
    LOADERS,
    is_library_model,
    is_loaded_model,
    is_part,
    runs_forward,
    uses_framework,
)
from codex_audit.capabilities.modeling_parts import whole
from codex_audit.capabilities.modeling_sizes import choices, size_tables
from codex_audit.query.found import NOTHING, Found
from codex_audit.query.modules import Module
from codex_audit.query.options import Option
from codex_audit.query.tree import Tree

PRECISIONS = tuple(
    (
        "torch_dtype param_dtype compute_dtype model_dtype weight_dtype amp_dtype autocast_*dtype amp_mode "
        "with_amp precision "
        "mixed_precision amp use_amp fp16 bf16 use_fp16 use_bf16 half autocast enable_amp mp dtype_policy "
        "float16 bfloat16 fp16_opt_level weights_dtype half_precision load_in_8bit load_in_4bit"
    ).split()
)
_TYPED = re.compile(
    r"\b(?:torch|jax|jnp|jmp|mlx|keras|tensorflow|numpy)\b.*(?:dtype|float|policy)", re.IGNORECASE
)
_SAID = re.compile(r"(?:float|bfloat|fp|bf)-?(?:16|32)|\b(?:16|32|true|false|half|auto|bool)\b|policy")
_NUMERIC = re.compile(r"(?:float|bfloat|fp|bf)-?(?:16|32)|half|auto")
DEVICES = tuple(
    (
        "device devices device_map device_id device_type accelerator gpu gpus gpu_id gpu_ids n_gpu "
        "num_gpus no_cuda use_cuda use_gpu cuda cuda_device cpu use_cpu force_cpu platform backend_device"
    ).split()
)
_GENERIC_DEVICES = ("cpu", "platform", "devices", "accelerator")
DETECTORS = (
    "torch.cuda.is_available",
    "torch.backends.mps.is_available",
    "torch.accelerator.current_accelerator",
    "torch.accelerator.is_available",
    "torch.xpu.is_available",
    "accelerate.Accelerator",
    "accelerate.PartialState",
    "accelerate.infer_auto_device_map",
    "accelerate.dispatch_model",
    "lightning.Fabric",
    "lightning.fabric.Fabric",
    "torch_xla.core.xla_model.xla_device",
    "jax.devices",
    "jax.local_devices",
    "jax.device_count",
    "jax.local_device_count",
    "jax.default_backend",
    "jax.sharding.Mesh",
    "jax.make_mesh",
    "tensorflow.config.list_physical_devices",
    "tensorflow.config.experimental.list_physical_devices",
    "tensorflow.config.get_visible_devices",
    "tensorflow.config.set_visible_devices",
    "tensorflow.config.experimental.*et_visible_devices",
    "tensorflow.test.is_gpu_available",
    "tensorflow.distribute.*Strategy",
    "mxnet.context.num_gpus",
    "mlx.core.set_default_device",
    "paddle.set_device",
)


def network(tree: Tree) -> Found:
    """Models; whole ones are shown rather than their parts."""
    classes, loaded = _defined(tree), _loaded(tree)
    shown = classes.preferring(whole(tree, classes), "a part of another model")
    return shown | loaded or _plain_stack(tree, classes) or functional_networks(tree)


def _defined(tree: Tree) -> Found:
    """A part alone is no model: layers and losses count only where a whole model stands beside them."""
    return tree.subclasses(
        *BASES, where=lambda module, cls: runs_forward(tree, module, cls), why="defines a model on {}"
    ).where(lambda item: not is_part(item.scope), "a layer or a loss, not a model")


def _loaded(tree: Tree) -> Found:
    called = tree.calls(
        *LOADERS, where=lambda site: is_library_model(tree, site), why="builds a model with {}"
    )
    return called or _handed(tree)


def _handed(tree: Tree) -> Found:
    """Model classes of a library that are handed to code which calls ``from_pretrained`` on what it was handed."""
    loads = tree.calls("*.from_pretrained", where=lambda site: is_loaded_model(site.target))
    handed = tree.handed(
        *CLASSES, where=lambda site: is_loaded_model(site.target), why="hands on {}, to be loaded"
    )
    return handed if loads else handed.as_near("handed on, but never loaded")


def _plain_stack(tree: Tree, parts: Found) -> Found:
    """A script without any model class may stack layers where it trains them."""
    stacked = tree.calls("torch.nn.Sequential", why="stacks layers with {}")
    return parts | stacked.where(
        lambda item: item.scope.partition(".")[0] not in tree.module_at[item.path].classes,
        "a part of a class",
    )


def dtype(tree: Tree) -> Found:
    named = tree.options(*PRECISIONS, where=_says_precision)
    typed = tree.options("dtype", "*_dtype", where=lambda option: _types_a_model(tree, option))
    policies = tree.calls(
        "jmp.get_policy",
        "keras.mixed_precision.set_*policy",
        "tensorflow.keras.mixed_precision.set_*policy",
        "keras.config.set_dtype_policy",
        where=lambda site: site.argument("policy", 0)[:1] not in ("'", ""),
        why="chooses a precision policy with {}",
    )
    found = _outside_models(tree, named | typed | policies | tree.inherited("modeling.dtype"))
    return found if uses_framework(tree) else found.as_near("nothing here uses a deep-learning framework")


def _says_precision(option: Option) -> bool:
    """``precision`` is a metric as well, ``mp`` a process, ``half`` a share: their values tell."""
    if option.kind == "flag" or option.name not in ("precision", "mp", "half", "amp", "float16"):
        return True
    said = f"{option.default} {option.annotation}".lower()
    return _SAID.search(said) is not None


def _types_a_model(tree: Tree, option: Option) -> bool:
    """A dtype of a model or a run: flags, settings, and parameters that a framework's types annotate."""
    if option.kind == "key":
        return bool(_NUMERIC.search(option.default.lower()))
    if option.kind == "flag" or (option.kind == "field" and _NUMERIC.search(option.default)):
        return True
    if option.name != "dtype":
        return bool(_TYPED.search(f"{option.annotation} {option.default}"))
    if _TYPED.search(f"{option.annotation} {option.default}"):
        return "numpy" not in f"{option.annotation} {option.default}"
    return option.module is not None and _in_a_model(tree, option.module, option.scope)


def _in_a_model(tree: Tree, module: Module, scope: str) -> bool:
    """Whether the scope is a class with a forward pass, or a method of one."""
    owner = module.classes.get(scope) or module.classes.get(scope.rpartition(".")[0])
    if owner is None:
        return False
    bases = tree.modules.ancestors(f"{module.name}.{owner.name}")
    return any(base.startswith(("torch.nn", "flax.", "keras.", "equinox.", "haiku.")) for base in bases)


def device(tree: Tree) -> Found:
    chosen = tree.options(*DEVICES, where=_names_a_device)
    found = (
        tree.calls(*DETECTORS, why="finds the device with {}")
        | tree.keyword("device_map", where=lambda site: site.argument("device_map") != "None")
        | tree.inherited("modeling.device")
        | chosen
    )
    found = _outside_models(tree, found)
    return found if uses_framework(tree) else found.as_near("nothing here uses a deep-learning framework")


def _outside_models(tree: Tree, found: Found) -> Found:
    """Where a user chooses for a run, rather than what a single layer can be told."""

    def outside(item: Evidence) -> bool:
        module = tree.module_at.get(item.path)
        return module is None or not _in_a_model(tree, module, item.scope)

    return found.preferring(outside, "inside a model; the choice is made elsewhere")


def _names_a_device(option: Option) -> bool:
    return option.kind != "key" and (option.name not in _GENERIC_DEVICES or option.kind in ("flag", "field"))


def by_name(tree: Tree) -> Found:
    classes = _defined(tree)
    if not (classes or _loaded(tree) or _plain_stack(tree, classes)):
        return NOTHING
    return tables(tree) | registries(tree) | libraries(tree) | choices(tree) | size_tables(tree)


def tests(tree: Tree) -> Found:
    code = tree.subclasses(*BASES, where=lambda module, cls: runs_forward(tree, module, cls)) | tree.calls(
        *LOADERS, where=lambda site: is_library_model(tree, site)
    )
    return tree.tests_reaching(code, why="runs the model")
