"""Evaluation: whether held-out performance is measured, by what, and where the figures go."""

from __future__ import annotations

from codex_audit.capabilities import evaluation_loops, evaluation_metrics, evaluation_records
from codex_audit.capabilities.model import Capability, Probe, Remedy

_ML_TEST_SCORE = "https://research.google/pubs/pub46555/"
_REFORMS = "https://reforms.cs.princeton.edu/"

CAPABILITY = Capability(
    id="evaluation",
    title="Evaluation and metrics",
    summary="Held-out performance is measured by stated metrics and written where a program can read it.",
    probes=(
        Probe(
            id="evaluation.loop",
            ask="Evaluates on held-out data",
            motivation="Training loss says how well the data were learnt, not how well the model works.",
            counts="a validation or test loop, Trainer.evaluate, validation hooks of a trainer, an "
            "evaluation harness",
            excludes="unit tests of the code, a loop over the training data",
            risk="Overfitting goes unseen until somebody uses the model.",
            remedy=Remedy(
                text="Add a function that runs the model without gradients over a validation set every N steps.",
                effort="hours",
                touches=("probe:training.loop", "new:{package}/evaluate.py"),
            ),
            rollback="Set the interval to zero; training is unchanged.",
            references=(_ML_TEST_SCORE, _REFORMS),
            check=evaluation_loops.loop,
            core=True,
        ),
        Probe(
            id="evaluation.metrics",
            ask="Computes a metric beyond the training loss",
            motivation="The loss is a stand-in; users care about accuracy, exact match or perplexity.",
            counts="perplexity, accuracy, F1, exact match, BLEU, ROUGE, bits per byte, reward, pass@k, "
            "task metrics",
            excludes="the validation loss alone",
            risk="A model with a lower loss is shipped that is worse at its task.",
            remedy=Remedy(
                text="Compute one task metric in the validation loop with a maintained library.",
                effort="hours",
                touches=("probe:evaluation.loop", "new:{package}/metrics.py"),
            ),
            rollback="Remove the metric; the loss is reported as before.",
            references=(_ML_TEST_SCORE, "https://lightning.ai/docs/torchmetrics/stable/"),
            check=evaluation_metrics.metrics,
            core=True,
        ),
        Probe(
            id="evaluation.records",
            ask="Writes metrics to a structured file",
            motivation="A figure that a program can read can be compared, plotted and gated on.",
            counts="JSON, JSONL or CSV metric files, written by the repository or by a logger that it configures",
            excludes="the terminal, TensorBoard or W&B alone, trainer_state.json, a model card",
            risk="Results are copied from terminals by hand, with the slips of hands.",
            remedy=Remedy(
                text="Append the metrics of each evaluation as one JSON line to a file in the output folder.",
                effort="minutes",
                touches=("probe:evaluation.loop", "probe:training.loop", "new:{package}/metrics.py"),
            ),
            rollback="Stop writing the file; nothing reads it during a run.",
            references=(_REFORMS,),
            check=evaluation_records.records,
            component="safeguards",
        ),
        Probe(
            id="evaluation.tests",
            ask="Tests exercise evaluation or metrics",
            motivation="A wrong metric makes every conclusion wrong, and looks like any other number.",
            counts="an asserting test that checks the value of a metric or runs evaluation code",
            excludes="a test that runs evaluation and asserts nothing, one that is always skipped",
            risk="A bug in the metric is published as a result.",
            remedy=Remedy(
                text="Test each metric on a few predictions whose right value is known by hand.",
                effort="hours",
                touches=("file:tests/*eval*", "file:tests/*metric*", "new:tests/test_evaluation.py"),
            ),
            rollback="Delete the test file.",
            references=(_ML_TEST_SCORE,),
            check=evaluation_metrics.tests,
            component="tests",
        ),
    ),
)
