"""The checks behind the logging and monitoring probes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.query.found import Found
from codex_audit.query.handed import handed
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

LEVELS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "success")
LOGGERS = (
    "logging.getLogger()",
    "logging.Logger()",
    "logging.LoggerAdapter()",
    "logging",
    "logging.root",
    "loguru.logger",
    "structlog.get_logger()",
    "structlog.getLogger()",
    "structlog.stdlib.get_logger()",
    "absl.logging",
    "transformers.logging.get_logger()",
    "transformers.utils.logging.get_logger()",
    "transformers.utils.logging",
    "accelerate.logging.get_logger()",
    "datasets.logging.get_logger()",
    "datasets.utils.logging.get_logger()",
    "diffusers.utils.logging.get_logger()",
    "tensorflow.get_logger()",
    "tensorflow.logging",
    "tensorflow.compat.v1.logging",
    "torch._logging.getArtifactLogger()",
    "torch.distributed.elastic.utils.logging.get_logger()",
    "mmengine.logging.MMLogger.get_instance()",
    "mmengine.logging.print_log",
    "multiprocessing.get_logger()",
    "multiprocessing.log_to_stderr()",
    "ignite.utils.setup_logger()",
    "fvcore.common.logger.setup_logger()",
    "lightning_utilities.core.rank_zero",
    "lightning.pytorch.utilities.rank_zero",
    "pytorch_lightning.utilities.rank_zero",
    "paddlenlp.utils.log.logger",
    "oslo_log.log.getLogger()",
)
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
SENDING = frozenset(
    "print info debug log write log_dict log_metrics log_metric add_scalar add_scalars scalar secho echo report report_scalar logkv record "
    "log_stats write_scalars print_rank_0 log_rank_zero rank_zero_info track set_postfix".split()
)
REPORTING = SENDING | frozenset({*LEVELS, "update", "append", "dump"})
CLOCKS = ("time.time", "time.perf_counter", "time.monotonic", "time.process_time", "time.time_ns", "time.perf_counter_ns",
          "timeit.default_timer", "torch.cuda.Event().elapsed_time", "torch.*.Event", "*.elapsed_time", "*.elapsed",
          "datetime.datetime.now", "datetime.datetime.utcnow")  # fmt: skip
SPEED_TOOLS = (
    "lightning.fabric.utilities.throughput.*",
    "lightning.pytorch.callbacks.ThroughputMonitor",
    "lightning.pytorch.callbacks.throughput_monitor.ThroughputMonitor",
    "pytorch_lightning.callbacks.ThroughputMonitor",
    "*.callbacks.SpeedMonitor",
    "*.callbacks.speed_monitor.SpeedMonitor",
    "transformers.trainer_utils.speed_metrics",
    "transformers.speed_metrics",
    "clu.periodic_actions.ReportProgress",
    "deepspeed.utils.timer.ThroughputTimer",
    "nemo.utils.exp_manager.TimingCallback",
)
SPEED = re.compile(
    r"(tok(en)?s?|samples?|examples?|images?|imgs?|seqs?|sequences?|steps?|it(er)?(ation)?s?|batch(es)?|frames?|sentences?"
    r"|words?|graphs?|envs?|episodes?)[ _]?(/|per|a)[ _]?(s\b|secs?\b|seconds?\b|gpu|device|hour|min)"
    r"|\b(wps|ups|fps|mfu|hfu|tflops|throughput)\b|\bms/(it|step|batch|iter)|\bs/(it|step|batch|iter)\b|sec/(it|step|batch)"
    r"|(step|iter(ation)?|batch|epoch|update)[ _-]?(time|duration|seconds|secs)\b|time[ _]?(per|/)[ _]?(step|iter|batch|epoch)"
    r"|\b(time|duration)/(step|iter|batch|update)|(^|[ /_])flops?(_per|/)",
    re.IGNORECASE,
)
RATE = re.compile(r"(\w+/)?(tokens?|samples?|examples?|images?|sequences?|steps?|iterations?|batches)_(per|a)_(sec|second)(\w*)")
INFERENCE = re.compile(r"generat|infer|sampl|serv(e|ing)|chat|decod|predict|vllm|deploy|export|convert|onnx", re.IGNORECASE)
BARS = (
    "tqdm.*",
    "rich.progress.*",
    "progressbar.ProgressBar",
    "progressbar.progressbar",
    "alive_progress.alive_bar",
    "alive_progress.alive_it",
    "click.progressbar",
    "fastprogress.*",
    "enlighten.*",
    "progress.bar.*",
    "jax_tqdm.*",
    "tensorflow.keras.utils.Progbar",
    "keras.utils.Progbar",
    "datasets.Dataset().map",
    "datasets.load_dataset().map",
    "datasets.DatasetDict().map",
    "*.progress.TQDMProgressBar",
    "*.callbacks.TQDMProgressBar",
    "*.callbacks.RichProgressBar",
    "tqdm_loggable.*",
    "mmengine.ProgressBar",
    "mmengine.track_iter_progress",
    "mmcv.track_iter_progress",
)
TIME_LEFT = re.compile(r"\bETA\b|\beta:|\btime[ _](left|remaining)|\bremaining[ _]time|(time|min(ute)?s?|sec(ond)?s?|hours?) (left|remaining)", re.IGNORECASE)


def logging(tree: Tree) -> Found:
    direct = tuple(f"{maker}.{level}" for maker in LOGGERS for level in LEVELS)
    ranked = tuple(f"*.rank_zero_{level}" for level in ("info", "warn", "debug", "deprecation"))
    return (
        tree.calls(*direct, where=_is_message, why="logs with {}")
        | tree.sites(_own_logger_calls(tree), "logs with {}", ("own loggers",), "called")
        | tree.calls(*ranked, where=lambda site: "rank_zero" in site.target and _is_message(site), why="logs with {}")
    )


def _is_message(site: Site) -> bool:
    return bool(site.arguments)


def _own_logger_calls(tree: Tree) -> Iterator[Site]:
    """Messages through a logger that another module of the tree made: its module-level variable, a helper function that
    calls ``getLogger``, or an attribute or property that holds one."""
    makers = tuple(maker.removesuffix("()") for maker in LOGGERS if maker.endswith("()"))
    helpers = tree.nodes_calling(*makers)
    variables = _logger_variables(tree)
    for site in tree.call_sites(*(f"*.{level}" for level in LEVELS)):
        receiver = site.target.rpartition(".")[0]
        if _is_message(site) and (receiver in variables or _gives_logger(tree, receiver, helpers)):
            yield site


def _gives_logger(tree: Tree, receiver: str, helpers: frozenset[str]) -> bool:
    """Whether a function, or a method or property of a class of the tree, makes a logger or says that it returns one."""
    name = receiver.removesuffix("()")
    owner, made, attribute = name.partition("().")
    method = tree.modules.method(owner, attribute) if made else name
    if not method:
        return False
    module, inner = tree.modules.split(method)
    function = module.functions.get(inner) if module is not None else None
    if module is None or function is None:
        return False
    return method in helpers or tree.modules.canonical(function.returns, module) in ("logging.Logger", "logging.LoggerAdapter")


def _logger_variables(tree: Tree) -> frozenset[str]:
    """Absolute names of module-level variables that hold a logger."""
    found = set()
    for module in tree.code:
        for item in module.facts.assignments:
            value = tree.modules.canonical(item.value, module)
            if not item.scope and value in LOGGERS:
                found.add(f"{module.name}.{item.target}")
    return frozenset(found)


def system(tree: Tree) -> Found:
    switch = tree.options("*profile*", kinds=("flag", "field", "parameter"))
    profilers = tree.calls(*PROFILERS, why="profiles with {}")
    return (
        tree.calls(*MEMORY, why="reports {}").where(lambda item: is_reported(tree, item), "read, but not reported")
        | tree.calls(*RECORDERS, why="records system figures with {}")
        | tree.sites(handed(tree.modules, RECORDERS), "registers {}", ())
        | tree.keyword("log_system_metrics", where=lambda site: site.argument("log_system_metrics") != "False")
        | (profilers if switch else profilers.where(lambda item: is_reported(tree, item), "no switch turns it on"))
        | tree.keyword("profiler", of=("*Trainer",), where=_gives_profiler, why="hands a profiler to {}")
        | tree.texts(r"^nvidia-smi\b|^rocm-smi\b", "argument", "element", why="runs {!r}").where(
            lambda item: is_reported(tree, item), "read, but not reported"
        )
    )


def _gives_profiler(site: Site) -> bool:
    return site.argument("profiler") not in ("None", "False")


def is_reported(tree: Tree, item: Evidence) -> bool:
    """Whether the function that reads a figure, or one that calls it, prints, logs or collects it."""
    module = tree.module_at[item.path]
    collected = any(
        entry.scope == item.scope and abs(entry.line - item.line) <= 2 for entry in module.facts.items
    ) or any(
        fact.scope == item.scope and abs(fact.line - item.line) <= 3 and "[" in fact.target
        for fact in module.facts.assignments
    )
    sending = tree.nodes_calling(*(f"*.{name}" for name in sorted(SENDING)))
    node = tree.node(item)
    return collected or _near_a_report(module, item) or bool(tree.uses.users.get(node, frozenset()) & sending)


def _near_a_report(module: Module, item: Evidence) -> bool:
    return any(
        call.scope == item.scope and last(call.target) in SENDING and item.line - 12 <= call.line <= item.line + 25
        for call in module.facts.calls
    )


def throughput(tree: Tree) -> Found:
    return (
        tree.calls(*SPEED_TOOLS, why="measures speed with {}").where(_is_training, "speed of inference")
        | tree.sites(handed(tree.modules, SPEED_TOOLS), "registers {}", ())
        | _measured(tree)
        | tree.options("include_tokens_per_second", "include_num_input_tokens_seen", kinds=("flag", "field"))
        | tree.keyword("include_tokens_per_second", "include_num_input_tokens_seen", why="asks {} for its speed")
    )


def _measured(tree: Tree) -> Found:
    """A name of a speed, reported by a function or class that reads a clock."""
    clocked = {(site.module.path, _owner(site.scope)) for site in tree.call_sites(*CLOCKS)}
    clocked |= {(site.module.path, site.scope) for site in tree.call_sites(*CLOCKS)}
    named = tree.texts(f"(?i){SPEED.pattern}", "key", "subscript", "formatted", "message", "argument", "assigned", why="reports {!r}")
    here = named.where(
        lambda item: (item.path, item.scope) in clocked or (item.path, _owner(item.scope)) in clocked,
        "names a speed, but no clock is read here",
    )
    return (here | _sent_rates(tree)).where(_is_training, "speed of inference")


def _sent_rates(tree: Tree) -> Found:
    """A rate in its unit, sent to a tracker by a function that is handed a duration measured elsewhere."""
    sending = tree.nodes_calling("wandb.log", "*.log", "*.log_metrics", "*.add_scalar", "*.log_dict", "mlflow.log_metric*", "*.write_scalars")
    rates = tree.texts(f"(?i)^{RATE.pattern}$", "key", "argument", "formatted", why="sends {!r}")
    return rates.where(lambda item: tree.node(item) in sending, "named, but not sent anywhere")


def _owner(scope: str) -> str:
    """The class of a method; a plain function stands for itself."""
    head, _, _ = scope.partition(".")
    return head


def _is_training(item: Evidence) -> bool:
    return not INFERENCE.search(f"{item.path.rpartition('/')[2]} {item.scope}")


def progress(tree: Tree) -> Found:
    return (
        tree.calls(*BARS, where=lambda site: last(site.target) not in ("write", "set_lock"), why="shows progress with {}")
        | tree.inherited("monitoring.progress")
        | tree.texts(f"(?i){TIME_LEFT.pattern}", "message", "formatted", "element", "argument", why="prints {!r}").where(
            lambda item: _in_loop(tree, item), "not printed from a loop"
        )
        | tree.sites(_counted_prints(tree), "prints step N of a total", ("step N of a total",))
    )


def _in_loop(tree: Tree, item: Evidence) -> bool:
    module = tree.module_at[item.path]
    return any(
        call.loop and call.scope == item.scope and last(call.target) in REPORTING for call in module.facts.calls
    )


def _counted_prints(tree: Tree) -> Iterator[Site]:
    """A print in a loop whose text puts a count, a slash, a total and a percent sign beside each other."""
    for module in tree.code:
        looped = {call.line for call in module.facts.calls if call.loop and last(call.target) in REPORTING}
        pieces: dict[tuple[int, str], str] = {}
        for text in module.facts.texts:
            if text.role == "message" and text.line in looped:
                key = (text.line, text.scope)
                pieces[key] = pieces.get(key, "") + text.text
        for (line, scope), joined in pieces.items():
            if re.search(r"^\W*/|[ \[(:]/|\{\}/\{\}|%d/%d", joined) and "%" in joined.replace("%d", ""):
                yield Site(module, "print", line, scope)
