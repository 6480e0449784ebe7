"""System figures: memory, utilisation, profiles."""

from __future__ import annotations

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

MEMORY = (
    "torch.*.max_memory_allocated",
    "torch.*.max_memory_reserved",
    "torch.*.max_memory_cached",
    "torch.*.memory_allocated",
    "torch.*.memory_reserved",
    "torch.*.memory_stats",
    "torch.*.memory_summary",
    "torch.*.mem_get_info",
    "torch.*.utilization",
    "torch.mps.current_allocated_memory",
    "torch.mps.driver_allocated_memory",
    "*.memory_stats",
    "*.get_memory_info",
    "tensorflow.config.experimental.get_memory_info",
    "tensorflow.config.experimental.get_memory_usage",
    "mlx.core.*.get_peak_memory",
    "mlx.core.get_peak_memory",
    "resource.getrusage",
    "tracemalloc.get_traced_memory",
    "psutil.virtual_memory",
    "psutil.cpu_percent",
    "psutil.swap_memory",
    "psutil.disk_usage",
    "psutil.net_io_counters",
    "psutil.disk_io_counters",
    "psutil.getloadavg",
    "psutil.Process().memory_info",
    "psutil.Process().memory_full_info",
    "psutil.Process().memory_percent",
    "psutil.Process().cpu_percent",
    "pynvml.nvmlDeviceGetMemoryInfo",
    "pynvml.nvmlDeviceGetUtilizationRates",
    "pynvml.nvmlDeviceGetPowerUsage",
    "pynvml.nvmlDeviceGetTemperature",
    "py3nvml.*",
    "GPUtil.getGPUs",
    "GPUtil.showUtilization",
    "gpustat.*",
    "nvidia_smi.*",
    "pynvml.smi.nvidia_smi.getInstance().DeviceQuery",
)
RECORDERS = (
    "*.callbacks.DeviceStatsMonitor",
    "*.callbacks.*.DeviceStatsMonitor",
    "*.callbacks.GPUStatsMonitor",
    "composer.callbacks.MemoryMonitor",
    "composer.callbacks.SystemMetricsMonitor",
    "composer.callbacks.memory_monitor.MemoryMonitor",
    "mlflow.enable_system_metrics_logging",
    "mlflow.system_metrics.*",
    "codecarbon.EmissionsTracker",
    "codecarbon.OfflineEmissionsTracker",
    "codecarbon.track_emissions",
    "ignite.contrib.metrics.GpuInfo",
    "ignite.metrics.GpuInfo",
    "jax.profiler.save_device_memory_profile",
    "jax.profiler.device_memory_profile",
    "jax.profiler.start_server",
    "prometheus_client.ProcessCollector",
)
PROFILERS = (
    "torch.profiler.profile",
    "torch.autograd.profiler.profile",
    "torch.autograd.profiler.emit_nvtx",
    "torch.cuda.profiler.*",
    "torch.cuda.cudart().cudaProfilerStart",
    "torch.cuda.memory._record_memory_history",
    "torch.cuda.memory._dump_snapshot",
    "jax.profiler.start_trace",
    "jax.profiler.trace",
    "clu.periodic_actions.Profile*",
    "tensorflow.profiler.experimental.start",
    "*.profilers.PyTorchProfiler",
    "*.profilers.SimpleProfiler",
    "*.profilers.AdvancedProfiler",
    "*.profiler.PyTorchProfiler",
    "*.profiler.FlopsProfiler",
    "composer.profiler.*",
    "deepspeed.profiling.*",
    "viztracer.VizTracer",
)
# These give an exit status; what the command prints goes past the program.
_STATUS = frozenset({"subprocess.run", "subprocess.call", "subprocess.check_call", "os.system"})
SENDING = frozenset(
    "print info debug log write log_dict log_metrics log_metric add_scalar add_scalars "
    "scalar secho echo report report_scalar logkv record "
    "log_stats write_scalars print_rank_0 log_rank_zero rank_zero_info track set_postfix".split()
)


def system(tree: Tree) -> Found:
    sending = tree.nodes_calling(*(f"*.{name}" for name in sorted(SENDING)))
    profilers = tree.calls(*PROFILERS, why="profiles with {}")
    if not tree.options("*profile*", kinds=("flag", "field", "parameter")):
        profilers = profilers.where(lambda item: _is_reported(tree, item, sending), "no switch turns it on")
    return (
        tree.calls(*MEMORY, why="reports {}").where(
            lambda item: _is_reported(tree, item, sending), "read, but not reported"
        )
        | tree.calls(*RECORDERS, why="records system figures with {}")
        | tree.handed(*RECORDERS, why="registers {}")
        | tree.keyword(
            "log_system_metrics", where=lambda site: site.argument("log_system_metrics") != "False"
        )
        | profilers
        | tree.keyword("profiler", of=("*Trainer",), where=_gives_profiler, why="hands a profiler to {}")
        | tree.texts(r"^nvidia-smi\b|^rocm-smi\b", "argument", "element", why="runs {!r}").where(
            lambda item: _is_captured(tree, item) and _is_reported(tree, item, sending),
            "read, but not reported",
        )
    )


def _is_captured(tree: Tree, item: Evidence) -> bool:
    """Whether the command's output is taken, and not its exit status alone."""
    module = tree.module_at[item.path]
    here = module.statement(item.line)
    calls = [call for call in module.facts.calls if module.statement(call.line) == here]
    plain = [call for call in calls if call.target in _STATUS]
    captured = any(
        argument.name in ("capture_output", "stdout") for call in plain for argument in call.arguments
    )
    return not plain or captured


def _gives_profiler(site: Site) -> bool:
    return site.argument("profiler") not in ("None", "False")


def _is_reported(tree: Tree, item: Evidence, sending: frozenset[str]) -> bool:
    """Whether the function that reads a figure, or one that calls it, prints, logs or collects it."""
    module = tree.module_at[item.path]
    collected = any(
        entry.scope == item.scope and abs(module.apart(item.line, entry.line)) <= 1
        for entry in module.facts.items
    ) or any(
        fact.scope == item.scope and "[" in fact.target and abs(module.apart(item.line, fact.line)) <= 2
        for fact in module.facts.assignments
    )
    users = tree.uses.users.get(tree.node(item), frozenset())
    measured = any(last(base).endswith("Metric") for base in tree.modules.ancestors(_class_of(tree, item)))
    return collected or measured or _near_a_report(module, item) or bool(users & sending)


def _class_of(tree: Tree, item: Evidence) -> str:
    """The absolute name of the class whose method holds a place."""
    return node_of(tree.module_at[item.path], item.scope.partition(".")[0])


def _near_a_report(module: Module, item: Evidence) -> bool:
    """Whether a message is sent soon after, or anywhere in the function when the figure is put into words."""
    here = module.statement(item.line)
    worded = any(
        text.role == "formatted" and text.scope == item.scope and module.statement(text.line) == here
        for text in module.facts.texts
    )
    return any(
        call.scope == item.scope
        and last(call.target) in SENDING
        and (worded or -8 <= module.apart(item.line, call.line) <= 16)
        for call in module.facts.calls
    )
