"""What counts as a network: the library names behind the modeling probes, and the model classes of a tree."""

from __future__ import annotations

import re

from codex_audit.facts.model import Class
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

FRAMEWORKS = tuple(
    (
        "torch.* jax.* flax.* equinox.* haiku.* tensorflow.* keras.* mlx.* paddle.* mxnet.* "
        "transformers.* lightning.* pytorch_lightning.* accelerate.* diffusers.* sentence_transformers.* "
        "timm.* composer.* tinygrad.*"
    ).split()
)
BASES = (
    "torch.nn.Module",
    "torch.nn.modules.*Module",
    "torch.nn.Sequential",
    "lightning.*LightningModule",
    "pytorch_lightning.*LightningModule",
    "flax.linen.*Module",
    "flax.nnx.*Module",
    "equinox.*Module",
    "haiku.*Module",
    "keras.*Model",
    "keras.Sequential",
    "tensorflow.keras.*Model",
    "tensorflow.keras.*Sequential",
    "tensorflow.Module",
    "transformers.*PreTrainedModel",
    "transformers.*Model",
    "transformers.*For*",
    "mlx.nn.*Module",
    "paddle.nn.Layer",
    "mxnet.gluon.*Block",
    "composer.*Model",
    "speechbrain.*Brain",
)
FORWARDS = ("forward", "__call__", "call", "construct", "training_step")
LOADERS = (
    "transformers.Auto*Model*.from_pretrained",
    "transformers.Auto*Model*.from_config",
    "transformers.TFAuto*.from_pretrained",
    "transformers.FlaxAuto*.from_pretrained",
    "transformers.*Model.from_pretrained",
    "transformers.*For*.from_pretrained",
    "transformers.*Model",
    "transformers.*For*Generation",
    "transformers.*For*LM",
    "transformers.*ForCausalLM",
    "transformers.*ForSequenceClassification",
    "transformers.pipeline",
    "timm.create_model",
    "torchvision.models.*",
    "torch.hub.load",
    "torch.jit.load",
    "open_clip.create_model*",
    "clip.load",
    "sentence_transformers.SentenceTransformer",
    "sentence_transformers.CrossEncoder",
    "diffusers.*Pipeline.from_pretrained",
    "diffusers.*Model.from_pretrained",
    "segmentation_models_pytorch.*",
    "unsloth.FastLanguageModel.from_pretrained",
    "unsloth.FastModel.from_pretrained",
    "mlx_lm.load",
    "mlx_lm.utils.load",
    "keras.Sequential",
    "keras.Model",
    "keras.models.*",
    "keras.applications.*",
    "tensorflow.keras.Sequential",
    "tensorflow.keras.Model",
    "tensorflow.keras.models.*",
    "tensorflow.keras.applications.*",
    "tensorflow_hub.KerasLayer",
    "tensorflow_hub.load",
    "keras_hub.models.*",
    "keras_nlp.models.*",
    "torch_geometric.nn.models.*",
    "haiku.transform*",
    "jax.example_libraries.stax.serial",
    "ultralytics.YOLO",
    "peft.AutoPeftModel*.from_pretrained",
    "optimum.*Model*.from_pretrained",
    "auto_gptq.AutoGPTQForCausalLM.from_quantized",
    "fairseq.checkpoint_utils.load_model_ensemble*",
    "bert.modeling.BertModel",
)
# Classes that callers may hand on, to be loaded elsewhere.
CLASSES = ("transformers.*AutoModel*", "transformers.*For*", "diffusers.*Pipeline", "diffusers.*Model")
_NOT_MODELS = re.compile(
    r"(Tokenizer|TokenizerFast|Processor|Config|Extractor|Criteria|Output|LogitsWarper|Trainer|Arguments|Callback|"
    r"save_model|feature_extraction|list_models|get_weight)(\.|$)"
)
_PART = re.compile(
    r"(?:Loss|Losses|Criterion|Layer|Layers|Norm\w*|Embeddings?|Activation|Dropout\w*|Pool|Pooling|Attention\w*"
    r"|Conv\w?\d?d?|Linear|Metrics?|Transforms?|Augment\w*|Act|Scaler|Normali[sz]er|Wrapper|Identity)$"
)


def is_loaded_model(target: str) -> bool:
    """Whether a name that the loaders match is a model, and not the tokenizer or settings beside it."""
    return _NOT_MODELS.search(target) is None


def is_library_model(tree: Tree, site: Site, own: frozenset[str] = frozenset()) -> bool:
    """Whether a call that matched the loaders builds a model of a library, or one of ``own``.

    A library that is audited itself matches its own name.
    """
    if site.target in own:
        return True
    return is_loaded_model(site.target) and tree.modules.split(site.target)[0] is None


def is_part(name: str) -> bool:
    """Whether a class is named as a loss, a layer or another part, which alone is no model."""
    return _PART.search(last(name)) is not None


def runs_forward(tree: Tree, module: Module, cls: Class) -> bool:
    """Whether the class, or one it derives from, has a forward pass with a body. A model class of a
    library brings its own.
    """
    owner = node_of(module, cls.name)
    for name in FORWARDS:
        found, inner = tree.modules.split(tree.modules.method(owner, name) or "?")
        function = found.functions.get(inner) if found is not None else None
        if function is not None and not function.stub:
            return True
    return any(base.startswith("transformers.") for base in tree.modules.ancestors(owner))


def model_classes(tree: Tree) -> frozenset[str]:
    """Absolute names of the classes of the tree that have a forward pass, single layers included."""
    found = tree.subclasses(*BASES, where=lambda module, cls: runs_forward(tree, module, cls))
    return frozenset(tree.node(item) for item in found.evidence)


def uses_framework(tree: Tree) -> bool:
    """Whether the tree's own code calls a deep-learning framework."""
    return any(site.module.countable for site in tree.call_sites(*FRAMEWORKS))
