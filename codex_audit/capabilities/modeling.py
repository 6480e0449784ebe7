"""Modeling: which network is trained, in which precision, where, and what may be put beside it."""

from __future__ import annotations

from codex_audit.capabilities import modeling_checks as checks
from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.capabilities.modeling_adapters import adapters

CAPABILITY = Capability(
    id="modeling",
    title="Modeling",
    summary="A network is defined or loaded by name, in a chosen precision, on a chosen device, and tested.",
    probes=(
        Probe(
            id="modeling.network",
            ask="Defines or loads a neural network",
            motivation="Everything else in a training repository is about this object.",
            counts="a model class with a forward pass (torch, Flax, Equinox, Keras and their like), or a "
            "call that "
            "loads or builds a model of a library",
            excludes="losses, norms and other single layers in a repository that has no model",
            risk="There is nothing to train: the repository only prepares for a model that lives elsewhere.",
            remedy=Remedy(
                text="Define the model in one module, or load it in one function, so that all commands "
                "share it.",
                effort="days",
                touches=("probe:training.loop", "new:{package}/model.py"),
            ),
            rollback="Remove the module; nothing else depends on it yet.",
            references=("https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",),
            check=checks.network,
            core=True,
        ),
        Probe(
            id="modeling.dtype",
            ask="The user can choose parameter or compute dtype",
            motivation="The same weights need another precision on another accelerator, or when a loss "
            "diverges.",
            counts="a flag, setting or argument that selects float32, float16 or bfloat16; a switch for "
            "automatic "
            "mixed precision",
            excludes="a precision fixed in the code; the dtype of a data array",
            risk="Users edit the source to fit their hardware, and nobody knows in which precision a run "
            "was made.",
            remedy=Remedy(
                text="Add one option, dtype, and pass it where the model is built and where compute is "
                "autocast.",
                effort="hours",
                touches=("probe:modeling.network", "probe:config.schema", "new:{package}/model.py"),
            ),
            rollback="Remove the option; its default is the precision used today.",
            references=("https://docs.pytorch.org/docs/stable/amp.html",),
            check=checks.dtype,
        ),
        Probe(
            id="modeling.device",
            ask="The user can choose the device, or it is detected",
            motivation="Code that runs on one kind of machine only cannot be tested on the others.",
            counts="a device option, a fallback on torch.cuda.is_available(), device_map, placement by "
            "accelerate or "
            "a trainer",
            excludes="a fixed .cuda() without a fallback",
            risk="Without a GPU nothing runs, so that CI tests nothing that matters.",
            remedy=Remedy(
                text="Choose the device once, from an option whose default detects what is there.",
                effort="minutes",
                touches=("probe:training.loop", "probe:modeling.network", "new:{package}/device.py"),
            ),
            rollback="Remove the option; the device is fixed as before.",
            references=("https://docs.pytorch.org/docs/stable/notes/cuda.html#device-agnostic-code",),
            check=checks.device,
        ),
        Probe(
            id="modeling.adapters",
            ask="Supports LoRA or other adapters for fine-tuning",
            motivation="Adapters fit fine-tuning into the memory of one device and keep the base weights as "
            "they are.",
            counts="peft, an own LoRA layer, adapter modules wired to training",
            excludes="prompt tuning, freezing layers, classes that merely have adapter in their name",
            risk="Every fine-tuned variant costs the memory and the storage of the whole model.",
            remedy=Remedy(
                text="Wrap the loaded model with peft.get_peft_model when a LoRA rank is given.",
                effort="hours",
                touches=("probe:modeling.network", "new:{package}/adapters.py"),
            ),
            rollback="Leave the rank unset: the model is trained whole.",
            references=("https://huggingface.co/docs/peft", "https://arxiv.org/abs/2106.09685"),
            check=adapters,
        ),
        Probe(
            id="modeling.by-name",
            ask="A model or architecture is chosen by name through a registry, factory or config table",
            motivation="A name in a settings file is what makes a run comparable with the next one.",
            counts="a table, registry or chain of conditions from a given name to more than one model, a "
            "table of "
            "sizes of one class, or a choice of head",
            excludes="a path handed to from_pretrained alone",
            risk="Changing the model means changing the code, so that settings alone do not say what was "
            "trained.",
            remedy=Remedy(
                text="Map names to model configurations in one table and let one option choose among them.",
                effort="hours",
                touches=("probe:modeling.network", "new:{package}/models.py"),
            ),
            rollback="Remove the table; the caller builds the class directly.",
            references=("https://huggingface.co/docs/timm/reference/models",),
            check=checks.by_name,
        ),
        Probe(
            id="modeling.tests",
            ask="Tests exercise the model",
            motivation="A wrong mask or a transposed axis still trains; only a test of shapes and values "
            "shows it.",
            counts="an asserting test that runs the repository's model code",
            excludes="a test that only builds settings, or asserts nothing",
            risk="A refactoring changes the function that is learned, and the loss curve looks the same.",
            remedy=Remedy(
                text="Test the forward pass of a tiny model: output shape, causality, gradients on all "
                "parameters.",
                effort="hours",
                touches=("file:tests/*model*", "new:tests/test_model.py"),
            ),
            rollback="Delete the test file.",
            references=("ML Test Score (Breck et al., 2017), Model 1-7",),
            check=checks.tests,
            component="tests",
        ),
    ),
)
