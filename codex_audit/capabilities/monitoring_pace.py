"""Speed and progress of long work."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.artifacts import Evidence
from codex_audit.capabilities.monitoring_figures import SENDING
from codex_audit.capabilities.monitoring_messages import LEVELS
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.modules import Statement
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

REPORTING = SENDING | frozenset({*LEVELS, "update", "append", "dump"})
CLOCKS = (
    "time.time",
    "time.perf_counter",
    "time.monotonic",
    "time.process_time",
    "time.time_ns",
    "time.perf_counter_ns",
    "timeit.default_timer",
    "torch.cuda.Event().elapsed_time",
    "torch.*.Event",
    "*.elapsed_time",
    "*.elapsed",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "ignite.handlers.*Timer",
    "mmengine.*Timer",
    "fvcore.common.timer.Timer",
    "codetiming.Timer",
)
_TIMER = re.compile(r"(?:Timer|Stop_?[Ww]atch|Clock|Timing)s?$")
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
    "ignite.metrics.*Frequency",
)
SPEED = re.compile(
    r"(tok(en)?s?|samples?|examples?|images?|imgs?|seqs?|sequences?|steps?"
    r"|it(er)?(ation)?s?|batch(es)?|frames?|sentences?"
    r"|words?|graphs?|envs?|episodes?)[ _]?(/|per|a)[ _]?(s\b|secs?\b|seconds?\b|gpu|device"
    r"|hour|min)"
    r"|\b(sps|wps|ups|fps|mfu|hfu|tflops|throughput)\b|\bms/(it|step|batch|iter)|\bs/(it|step"
    r"|batch|iter)\b|sec/(it|step|batch)"
    r"|(step|iter(ation)?|batch|epoch|update)[ _-]?(time|duration|seconds|secs)\b"
    r"|time[ _]?(per|/)[ _]?(step|iter|batch|epoch)"
    r"|\b(time|duration)/(step|iter|batch|update)|(^|[ /_])flops?(_per|/)",
    re.IGNORECASE,
)
RATE = re.compile(
    r"(\w+/)?(tokens?|samples?|examples?|images?|sequences?|steps?|iterations?"
    r"|batches)_(per|a)_(sec|second)(\w*)"
)
INFERENCE = re.compile(
    r"generat|infer|sampl|serv(e|ing)|chat|decod|predict|vllm|deploy|export|convert|onnx", re.IGNORECASE
)
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
TIME_LEFT = re.compile(
    r"\bETA\b|\beta:|\btime[ _](left|remaining)|\bremaining[ _]time|(time|min(ute)?s?"
    r"|sec(ond)?s?|hours?) (left|remaining)",
    re.IGNORECASE,
)


def throughput(tree: Tree) -> Found:
    return (
        tree.calls(*SPEED_TOOLS, why="measures speed with {}").where(_is_training, "speed of inference")
        | tree.handed(*SPEED_TOOLS, why="registers {}")
        | _measured(tree)
        | tree.options("include_tokens_per_second", "include_num_input_tokens_seen", kinds=("flag", "field"))
        | tree.keyword(
            "include_tokens_per_second", "include_num_input_tokens_seen", why="asks {} for its speed"
        )
    )


def _measured(tree: Tree) -> Found:
    """A name of a speed, reported by a function or class that reads a clock."""
    reading = list(tree.call_sites(*CLOCKS))
    reading += tree.call_sites(*(f"{timer}().*" for timer in _timers(reading)))
    clocked = {(site.module.path, scope) for site in reading for scope in (site.scope, _owner(site.scope))}
    named = tree.texts(
        f"(?i){SPEED.pattern}",
        "key",
        "subscript",
        "formatted",
        "message",
        "argument",
        "assigned",
        why="reports {!r}",
    )
    here = named.where(
        lambda item: (item.path, item.scope) in clocked or (item.path, _owner(item.scope)) in clocked,
        "names a speed, but no clock is read here",
    )
    return (here | _sent_rates(tree)).where(_is_training, "speed of inference")


def _timers(reading: list[Site]) -> list[str]:
    """Classes of the tree that are named as timers and read a clock."""
    owners = {node_of(site.module, _owner(site.scope)) for site in reading if "." in site.scope}
    return sorted(owner for owner in owners if _TIMER.search(last(owner)))


def _sent_rates(tree: Tree) -> Found:
    """A rate in its unit, sent to a tracker by a function that is handed a duration measured elsewhere."""
    sending = tree.nodes_calling(
        "wandb.log",
        "*.log",
        "*.log_metrics",
        "*.add_scalar",
        "*.log_dict",
        "mlflow.log_metric*",
        "*.write_scalars",
    )
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
        tree.calls(
            *BARS,
            where=lambda site: last(site.target) not in ("write", "set_lock"),
            why="shows progress with {}",
        )
        | tree.inherited("monitoring.progress")
        | tree.texts(
            f"(?i){TIME_LEFT.pattern}", "message", "formatted", "element", "argument", why="prints {!r}"
        ).where(lambda item: _in_loop(tree, item), "not printed from a loop")
        | tree.sites(_counted_prints(tree), "prints step N of a total", ("step N of a total",))
    )


def _in_loop(tree: Tree, item: Evidence) -> bool:
    module = tree.module_at[item.path]
    return any(
        call.loop and call.scope == item.scope and last(call.target) in REPORTING
        for call in module.facts.calls
    )


def _counted_prints(tree: Tree) -> Iterator[Site]:
    """A print in a loop whose text puts a count, a slash, a total and a percent sign beside each other."""
    for module in tree.code:
        looped = {
            module.statement(call.line): call
            for call in module.facts.calls
            if call.loop and last(call.target) in REPORTING
        }
        pieces: dict[Statement, str] = {}
        for text in module.facts.texts:
            place = module.statement(text.line)
            if text.role in ("message", "formatted") and place in looped:
                pieces[place] = pieces.get(place, "") + text.text
        for place, joined in pieces.items():
            if re.search(r"^\W*/|[ \[(:]/|\{\}/\{\}|%d/%d", joined) and "%" in joined.replace("%d", ""):
                yield Site(module, "print", looped[place].line, looped[place].scope)
