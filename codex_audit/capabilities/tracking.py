"""Experiment tracking: where the metrics of a run go, with what settings, and whether it works offline."""

from __future__ import annotations

from codex_audit.capabilities import tracking_checks as checks
from codex_audit.capabilities.model import Capability, Probe, Remedy

_TENSORBOARD = "https://docs.pytorch.org/docs/stable/tensorboard.html"
_WANDB = "https://docs.wandb.ai/ref/python/init/"

CAPABILITY = Capability(
    id="tracking",
    title="Experiment tracking",
    summary="Metrics of runs are collected where they can be compared, beside the settings that gave them.",
    probes=(
        Probe(
            id="tracking.backend",
            ask="Can send metrics to an experiment tracker",
            motivation="Runs are compared over weeks and by several people; a terminal forgets.",
            counts="W&B, MLflow, TensorBoard, Comet, Neptune, Aim, ClearML or trackio, called or chosen "
            "through a trainer",
            excludes="an imported tracker that nothing calls, switching a tracker off",
            risk="Results are copied by hand, and the runs that failed leave no trace.",
            remedy=Remedy(
                text="Send the metrics of each step to TensorBoard or another tracker behind one small function.",
                effort="hours",
                touches=("probe:training.loop", "new:{package}/tracking.py"),
            ),
            rollback="Switch the tracker off in the settings; training does not depend on it.",
            references=(_TENSORBOARD, "https://mlflow.org/docs/latest/ml/tracking/"),
            check=checks.backend,
            core=True,
        ),
        Probe(
            id="tracking.offline",
            ask="Tracking works with no network",
            motivation="Compute nodes often have no way out, and a run must not fail or go unrecorded for that.",
            counts="TensorBoard, a CSV logger, the file store of MLflow, or an offline mode that the "
            "user can choose",
            excludes="merely being able to switch tracking off",
            risk="On a closed cluster a run stops at its first log call, or leaves nothing to look at.",
            remedy=Remedy(
                text="Offer an offline mode: TensorBoard or CSV files, or pass the tracker's mode through "
                "a setting.",
                effort="minutes",
                touches=("probe:tracking.backend", "probe:training.loop", "new:{package}/tracking.py"),
            ),
            rollback="Remove the setting; the tracker connects as before.",
            references=(_TENSORBOARD, _WANDB),
            check=checks.offline,
        ),
        Probe(
            id="tracking.config",
            ask="The run's settings are sent to the tracker",
            motivation="A curve without its settings cannot be compared with another one.",
            counts="wandb.init(config=), log_params, add_hparams, log_hyperparams, save_hyperparameters, "
            "init_trackers "
            "with a configuration",
            excludes="a run name that spells a few settings",
            risk="Two curves differ, and nobody knows which setting made the difference.",
            remedy=Remedy(
                text="Pass the resolved settings to the tracker where the run is opened.",
                effort="minutes",
                touches=("probe:tracking.backend", "probe:training.loop", "new:{package}/tracking.py"),
            ),
            rollback="Drop the argument; metrics are sent as before.",
            references=(_WANDB, "https://mlflow.org/docs/latest/ml/tracking/"),
            check=checks.settings,
            component="safeguards",
        ),
    ),
)
