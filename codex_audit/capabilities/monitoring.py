"""Logging and monitoring: what a running job says about itself."""

from __future__ import annotations

from codex_audit.capabilities import monitoring_figures, monitoring_messages, monitoring_pace
from codex_audit.capabilities.model import Capability, Probe, Remedy

_ML_TEST_SCORE = "https://research.google/pubs/pub46555/"

CAPABILITY = Capability(
    id="monitoring",
    title="Logging and monitoring",
    summary="A running job can be watched: messages with levels, system figures, speed and progress.",
    probes=(
        Probe(
            id="monitoring.logging",
            ask="Uses a logging framework rather than print alone",
            motivation="Messages with a level and a source can be filtered, routed and searched.",
            counts="logging, loguru, structlog, absl or rich logging that emits the repository's own messages",
            excludes="setting the level of, filtering or silencing the loggers of other libraries",
            risk="Warnings drown in prints, and every process of a distributed run prints them again.",
            remedy=Remedy(
                text="Make a module logger with logging.getLogger(__name__) and send messages through it.",
                effort="hours",
                touches=("probe:training.loop", "file:{package}/*.py", "new:{package}/log.py"),
            ),
            rollback="Turn the calls back into prints.",
            references=("https://docs.python.org/3/howto/logging.html",),
            check=monitoring_messages.logging,
            core=True,
        ),
        Probe(
            id="monitoring.system",
            ask="Records system or accelerator metrics",
            motivation="Memory and utilisation tell whether a job is about to fail or wastes its machine.",
            counts="psutil, NVML, torch.cuda.max_memory_* or memory_allocated reported, gpustat, DCGM, a "
            "profiler that "
            "the user can switch on",
            excludes="figures used only to decide something, what a tracker records on its own",
            risk="A leak or an idle accelerator shows only when the job dies or the bill comes.",
            remedy=Remedy(
                text="Log the peak memory of the accelerator with the metrics of each step.",
                effort="minutes",
                touches=("probe:training.loop", "new:{package}/monitoring.py"),
            ),
            rollback="Remove the figure from the metrics.",
            references=("https://docs.pytorch.org/docs/stable/torch_cuda_memory.html", _ML_TEST_SCORE),
            check=monitoring_figures.system,
        ),
        Probe(
            id="monitoring.throughput",
            ask="Reports training speed",
            motivation="A change that halves the speed costs as much as a bug, and only a figure shows it.",
            counts="tokens or samples a second, step time, MFU or iteration time, computed or configured "
            "by the repository",
            excludes="the rate of a progress bar, what a trainer records on its own, the speed of generation",
            risk="A regression of training speed goes unnoticed for months.",
            remedy=Remedy(
                text="Measure the time of each step and log tokens or samples a second.",
                effort="minutes",
                touches=("probe:training.loop", "new:{package}/monitoring.py"),
            ),
            rollback="Remove the two figures.",
            references=(_ML_TEST_SCORE,),
            check=monitoring_pace.throughput,
        ),
        Probe(
            id="monitoring.progress",
            ask="Shows progress on long work",
            motivation="A person who waits must be able to tell slow from stuck.",
            counts="tqdm, rich.progress, a trainer's progress bar that is on by default, a printed step "
            "N of a total with "
            "percent or time left; data preparation counts",
            excludes="an imported bar that nothing calls",
            risk="A hung job looks like a busy one.",
            remedy=Remedy(
                text="Wrap the training and preparation loops in a progress bar that stays quiet without a "
                "terminal.",
                effort="minutes",
                touches=("probe:training.loop", "probe:data.cache"),
            ),
            rollback="Unwrap the loops.",
            references=("https://tqdm.github.io/",),
            check=monitoring_pace.progress,
        ),
    ),
)
