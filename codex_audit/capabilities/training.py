"""Training: the loop, and what keeps it stable, affordable and fast."""

from __future__ import annotations

from codex_audit.capabilities import training_checks as checks
from codex_audit.capabilities import training_loops
from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.capabilities.training_parallel import distributed
from codex_audit.capabilities.training_schedules import schedule

CAPABILITY = Capability(
    id="training",
    title="Training engine",
    summary="A loop steps the optimizer, with schedule, clipping, precision and processes under control.",
    probes=(
        Probe(
            id="training.loop",
            ask="Has a training loop or drives a trainer",
            motivation="A repository that claims to train must hold the code that does.",
            counts="an optimizer step in a loop, a call that starts a library's trainer, a compiled step "
            "called in a "
            "loop",
            excludes="an optimizer class alone, a step that nothing calls, a fit of a model without "
            "gradients",
            risk="Weights cannot be made again from what is here.",
            remedy=Remedy(
                text="Write one function: forward, backward, clip, step, schedule, log; call it from one "
                "command.",
                effort="days",
                touches=("probe:modeling.network", "new:{package}/train.py"),
            ),
            rollback="Remove the command; nothing else calls it.",
            references=("https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html",),
            check=training_loops.loops,
            core=True,
        ),
        Probe(
            id="training.mixed-precision",
            ask="Supports mixed or reduced-precision training",
            motivation="Half precision halves memory and doubles speed on current accelerators.",
            counts="autocast, a gradient scaler, bf16 or fp16 options handed to a trainer, precision "
            "plugins, mixed "
            "precision of FSDP or DeepSpeed",
            excludes="autocast that is switched off, half precision for inference alone",
            risk="Runs cost twice what they must, or do not fit at all.",
            remedy=Remedy(
                text="Run the forward pass under torch.autocast with a dtype option; scale gradients for "
                "float16.",
                effort="hours",
                touches=("probe:training.loop", "new:{package}/precision.py"),
            ),
            rollback="Set the option to float32.",
            references=("https://docs.pytorch.org/docs/stable/amp.html",),
            check=checks.mixed_precision,
        ),
        Probe(
            id="training.accumulation",
            ask="Supports gradient accumulation",
            motivation="The batch size that a result needs seldom fits the memory of the device at hand.",
            counts="a number of micro-batches for each optimizer step that the user can set",
            excludes="a micro-batch loop of fixed length",
            risk="On smaller hardware the batch shrinks and the published result is not the one that comes "
            "out.",
            remedy=Remedy(
                text="Add gradient_accumulation_steps; divide the loss by it and step every so many batches.",
                effort="hours",
                touches=("probe:training.loop", "new:{package}/train.py"),
            ),
            rollback="Set the number to 1.",
            references=("https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation",),
            check=checks.accumulation,
        ),
        Probe(
            id="training.clipping",
            ask="Clips gradients",
            motivation="One bad batch must not undo days of training.",
            counts="clip_grad_norm_ or clip_grad_value_, a clipping option handed to a trainer, optax.clip "
            "and its "
            "like, clipnorm of Keras",
            excludes="clipping of values, losses or weights",
            risk="A single outlier makes the loss diverge, and the run is lost.",
            remedy=Remedy(
                text="Call torch.nn.utils.clip_grad_norm_ between backward and step, with the norm as an "
                "option.",
                effort="minutes",
                touches=("probe:training.loop", "new:{package}/train.py"),
            ),
            rollback="Set the norm to infinity.",
            references=(
                "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
            ),
            check=checks.clipping,
            component="safeguards",
        ),
        Probe(
            id="training.schedule",
            ask="Has a learning-rate schedule",
            motivation="Warm-up and decay decide whether a large model trains at all.",
            counts="a scheduler object, a schedule of a library, or an own function whose value is set at "
            "each step",
            excludes="a constant learning rate, a scheduler that is imported and not built",
            risk="Training is unstable at the start and stops short of the best loss at the end.",
            remedy=Remedy(
                text="Compute the rate from the step in one pure function (warm-up, then cosine) and set it "
                "each step.",
                effort="minutes",
                touches=("probe:training.loop", "new:{package}/schedule.py"),
            ),
            rollback="Return the base rate from the function.",
            references=("https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",),
            check=schedule,
        ),
        Probe(
            id="training.distributed",
            ask="Trains on more than one process or device",
            motivation="Models and data outgrow one device.",
            counts="DDP, FSDP, DeepSpeed, accelerate, tensor or pipeline parallelism, pjit or pmap, Ray, a "
            "trainer "
            "that spreads over devices",
            excludes="nn.DataParallel alone, distributed inference or evaluation alone",
            risk="Training takes as long as one device needs, and larger models are out of reach.",
            remedy=Remedy(
                text="Prepare model, optimizer and data with accelerate, or wrap the model in "
                "DistributedDataParallel.",
                effort="days",
                touches=("probe:training.loop", "new:{package}/distributed.py"),
            ),
            rollback="Launch one process.",
            references=("https://docs.pytorch.org/tutorials/intermediate/ddp_tutorial.html",),
            check=distributed,
        ),
        Probe(
            id="training.tests",
            ask="Tests exercise training",
            motivation="Only a test that steps the optimizer shows that gradients reach the weights.",
            counts="an asserting test that runs the repository's training code",
            excludes="a test that only parses settings, or runs training and asserts nothing",
            risk="The loop breaks with the next release of a library, and the first to know is a user.",
            remedy=Remedy(
                text="Train a tiny model for a few steps on the CPU and assert that the loss falls.",
                effort="hours",
                touches=("file:tests/*train*", "new:tests/test_training.py"),
            ),
            rollback="Delete the test file.",
            references=("ML Test Score (Breck et al., 2017), Infra 1-3",),
            check=checks.tests,
            component="tests",
        ),
    ),
)
