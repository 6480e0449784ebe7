"""The checks behind the experiment tracking probes."""

from __future__ import annotations

from collections.abc import Callable

from codex_audit.capabilities.training_loops import reached
from codex_audit.query.found import Found
from codex_audit.query.graph import node_of
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

TENSORBOARD = (
    "torch.utils.tensorboard.SummaryWriter",
    "torch.utils.tensorboard.writer.SummaryWriter",
    "tensorboardX.SummaryWriter",
    "tensorflow.summary.create_file_writer",
    "tensorflow.summary.FileWriter",
    "flax.metrics.tensorboard.SummaryWriter",
    "clu.metric_writers.create_default_writer",
    "clu.metric_writers.SummaryWriter",
    "keras.callbacks.TensorBoard",
    "tensorflow.keras.callbacks.TensorBoard",
    "tensorboard_logger.*",
    "*.loggers.TensorBoardLogger",
    "*.loggers.tensorboard.TensorBoardLogger",
    "composer.loggers.TensorboardLogger",
    "ignite.*TensorboardLogger",
)
LOCAL = (
    "*.loggers.CSVLogger",
    "*.loggers.csv_logs.CSVLogger",
    "keras.callbacks.CSVLogger",
    "tensorflow.keras.callbacks.CSVLogger",
    "ray.tune.logger.*",
    "ray.tune.logger.*.TBXLoggerCallback",
    "ray.tune.logger.*.CSVLoggerCallback",
    "mlflow.log_metric",
    "mlflow.log_metrics",
    "mlflow.start_run",
    "mlflow.autolog",
    "mlflow.*.autolog",
    "*.loggers.MLFlowLogger",
    "*.loggers.mlflow.MLFlowLogger",
    "aim.Run",
    "aim.*.AimLogger",
    "trackio.init",
    "dvclive.Live",
    "dvclive.*.DVCLiveLogger",
    "sacred.observers.FileStorageObserver",
)
WANDB = (
    "wandb.init",
    "wandb.sdk.init",
    "*.loggers.WandbLogger",
    "*.loggers.wandb.WandbLogger",
    "composer.loggers.WandBLogger",
)
REMOTE = (
    *WANDB,
    "wandb.log",
    "wandb.integration.*",
    "wandb.keras.*",
    "comet_ml.Experiment",
    "comet_ml.start",
    "comet_ml.OfflineExperiment",
    "comet_ml.ExistingExperiment",
    "*.loggers.CometLogger",
    "*.loggers.comet.CometLogger",
    "neptune.init",
    "neptune.init_run",
    "neptune.new.init",
    "neptune.new.init_run",
    "*.loggers.NeptuneLogger",
    "*.loggers.neptune.NeptuneLogger",
    "clearml.Task.init",
    "trains.Task.init",
    "swanlab.init",
    "*.loggers.LitLogger",
    "sacred.Experiment",
    "fastai.callback.wandb.WandbCallback",
    "fastai.callback.tensorboard.TensorBoardCallback",
    "ray.air.integrations.*Callback",
)
CHOSEN = (
    "transformers.integrations.*Callback",
    "transformers.integrations.get_reporting_integration_callbacks",
    "accelerate.Accelerator().init_trackers",
)
NO_TRACKER = frozenset({"'none'", "None", "[]", "False", "''", "['none']"})


def backend(tree: Tree) -> Found:
    return (
        tree.calls(*TENSORBOARD, *REMOTE, *_shared_local(), why="sends metrics through {}")
        | tree.handed(*TENSORBOARD, *REMOTE, *_shared_local(), why="registers {}")
        | tree.calls(*CHOSEN, why="sends metrics through the tracker that {} chooses")
        | _told(tree, _names_a_tracker, "chooses a tracker for {}")
        | tree.inherited("tracking.backend")
    )


def _told(tree: Tree, names: Callable[[Site], bool], why: str) -> Found:
    """A tracker by name, for a trainer that is run."""
    return reached(tree, tree.keyword("report_to", "log_with", where=names, why=why))


def _shared_local() -> tuple[str, ...]:
    """The local stores that are trackers too: a CSV file alone is none."""
    return tuple(name for name in LOCAL if "CSV" not in name)


def _names_a_tracker(site: Site) -> bool:
    return not {site.argument("report_to"), site.argument("log_with")} & NO_TRACKER


def offline(tree: Tree) -> Found:
    chosen = tree.options(
        "report_to", "log_with", kinds=("flag", "field", "parameter"), why="chooses the tracker by {}"
    )
    return (
        tree.calls(*TENSORBOARD, *LOCAL, why="{} writes local files")
        | tree.handed(*TENSORBOARD, *LOCAL, why="registers {}")
        | tree.keyword(
            "mode",
            of=("wandb.init", "wandb.sdk.init"),
            where=_mode_can_be_offline,
            why="chooses the mode of {}",
        )
        | tree.keyword(
            "offline",
            of=WANDB,
            where=lambda site: site.argument("offline") != "False",
            why="{} works offline",
        )
        | _rows_beside(tree)
        | tree.assigns("os.environ['WANDB_MODE']", where=_not_online, why="sets {}")
        | tree.options(
            "wandb_mode", "wandb_offline", "offline_logging", "use_wandb_offline", kinds=("flag", "field")
        )
        | tree.calls("comet_ml.OfflineExperiment", why="tracks offline with {}")
        | _told(tree, _names_a_local_tracker, "sends metrics to local files with {}")
        | (chosen & (tree.calls(*CHOSEN) | _told(tree, _names_a_tracker, "chooses a tracker for {}")))
        | tree.inherited("tracking.offline")
    )


def _rows_beside(tree: Tree) -> Found:
    """A table of rows on disk, written by the function or class that also sends them to a tracker."""
    sending = tree.nodes_calling(*REMOTE)
    classes = {node.rpartition(".")[0] for node in sending} & {
        node_of(module, cls.name) for module in tree.code for cls in module.facts.classes
    }

    def beside(site: Site) -> bool:
        node = node_of(site.module, site.scope)
        return bool(site.scope) and (node in sending or node.rpartition(".")[0] in classes)

    return tree.calls(
        "csv.writer", "csv.DictWriter", where=beside, why="writes the rows to a file with {} too"
    )


def _mode_can_be_offline(site: Site) -> bool:
    value = site.argument("mode")
    return value not in ("'online'", "'disabled'", "None", "'shared'")


def _not_online(site: Site) -> bool:
    return site.assignment is not None and site.assignment.value not in ("'online'", "'disabled'")


def _names_a_local_tracker(site: Site) -> bool:
    text = site.argument("report_to") + site.argument("log_with")
    return any(name in text for name in ("tensorboard", "mlflow", "trackio", "aim", "dvclive", "'all'"))


def settings(tree: Tree) -> Found:
    return (
        tree.keyword(
            "config",
            of=(*WANDB, "trackio.init", "swanlab.init", "accelerate.Accelerator().init_trackers"),
            where=_gives_config,
            why="sends the settings with {}",
        )
        | tree.calls(
            "accelerate.Accelerator().init_trackers",
            where=lambda site: bool(site.argument("", 1)),
            why="sends the settings with {}",
        )
        | tree.calls(
            "wandb.config.update",
            "*.experiment.config.update",
            "wandb.init().config.update",
            "*.run.config.update",
            why="sends the settings with {}",
        )
        | tree.assigns("wandb.config", "wandb.run.config", why="sends the settings through {}")
        | tree.calls(
            "*.save_hyperparameters",
            "*.log_hyperparams",
            "*.log_hyperparameters",
            "*.log_hparams",
            where=_has_receiver,
            why="sends the settings with {}",
        )
        | tree.calls(
            "mlflow.log_params",
            "mlflow.log_param",
            "*.log_params",
            "*.add_hparams",
            "tensorboard.plugins.hparams.api.*",
            "*.write_hparams",
            "clearml.Task.init().connect",
            "*.log_parameters",
            why="sends the settings with {}",
        )
        | tree.assigns("*.hyper_parameters", where=_on_tracker, why="sends the settings through {}")
        | tree.texts(
            r"^(hyper-?_?parameters|hparams|config|args|settings)(/\w+)?$", "argument", why="sends {!r}"
        ).where(lambda item: _is_text_log(tree, item.path, item.line), "not sent to a tracker")
        | tree.calls(*CHOSEN[:2], why="the integration behind {} sends the arguments")
        | tree.inherited("tracking.config")
    )


def _gives_config(site: Site) -> bool:
    return site.argument("config") not in ("None", "{}")


def _has_receiver(site: Site) -> bool:
    return "." in site.target


def _on_tracker(site: Site) -> bool:
    return site.target.startswith(("neptune", "aim."))


def _is_text_log(tree: Tree, path: str, line: int) -> bool:
    """``writer.add_text("hyperparameters", ...)``."""
    module = tree.module_at[path]
    return any(
        last(call.target) == "add_text" and module.statement(call.line) == module.statement(line)
        for call in module.facts.calls
    )
