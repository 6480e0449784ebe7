"""Checkpointing: what a run keeps, and whether it can go on from there."""

from __future__ import annotations

from codex_audit.capabilities import checkpointing_checks as checks
from codex_audit.capabilities import checkpointing_kept as kept
from codex_audit.capabilities import checkpointing_optimizer, checkpointing_saves
from codex_audit.capabilities.model import Capability, Probe, Remedy

CAPABILITY = Capability(
    id="checkpointing",
    title="Checkpointing and resume",
    summary="A run keeps its whole state, can go on from it, and can prove which bytes it wrote.",
    probes=(
        Probe(
            id="checkpointing.weights",
            ask="Saves model weights during or after training",
            motivation="Weights are what a training run is for.",
            counts="torch.save, save_pretrained, safetensors, orbax, a distributed checkpoint or a "
            "trainer's own "
            "checkpoint in the training path",
            excludes="saving prepared data, exporting a model in a repository that does not train",
            risk="The result of a run is lost with its process.",
            remedy=Remedy(
                text="Save the state dictionary beside the final file and rename it, every so many steps.",
                effort="hours",
                touches=("probe:training.loop", "new:{package}/checkpoints.py"),
            ),
            rollback="Set the interval to never.",
            references=("https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",),
            check=checkpointing_saves.weights,
            core=True,
        ),
        Probe(
            id="checkpointing.optimizer",
            ask="Saves optimizer state too",
            motivation="Moments and counters of the optimizer are half of what a run has learned.",
            counts="the optimizer's state in the checkpoint, accelerator.save_state, a trainer's full "
            "checkpoint",
            excludes="a checkpoint of weights alone",
            risk="A run that goes on from weights alone jumps in loss and ends elsewhere.",
            remedy=Remedy(
                text="Add optimizer.state_dict() and the schedule's state to what is saved.",
                effort="minutes",
                touches=("probe:checkpointing.weights", "new:{package}/checkpoints.py"),
            ),
            rollback="Drop the two entries; older checkpoints still load.",
            references=(
                "https://docs.pytorch.org/tutorials/recipes/recipes/saving_and_loading_a_general_checkpoint.html",
            ),
            check=checkpointing_optimizer.optimizer,
        ),
        Probe(
            id="checkpointing.resume",
            ask="Can resume an interrupted run",
            motivation="Machines fail and queues have limits; long runs are always interrupted.",
            counts="a flag or function that restores weights, optimizer and step and goes on",
            excludes="loading weights to fine-tune or to evaluate",
            risk="An interruption in the last hour costs the whole run.",
            remedy=Remedy(
                text="Add a resume option that loads weights, optimizer, schedule, step and data position.",
                effort="hours",
                touches=(
                    "probe:checkpointing.optimizer",
                    "probe:training.loop",
                    "new:{package}/checkpoints.py",
                ),
            ),
            rollback="Leave the option unset: a run starts from the beginning.",
            references=(
                "https://docs.pytorch.org/tutorials/recipes/recipes/saving_and_loading_a_general_checkpoint.html",
            ),
            check=checks.resume,
            core=True,
        ),
        Probe(
            id="checkpointing.rng",
            ask="Saves and restores random-generator state",
            motivation="A resumed run follows the uninterrupted one only if it draws the same numbers.",
            counts="generator states written into the checkpoint and set again from it, or a library's "
            "checkpoint "
            "that does both",
            excludes="seeding again on resume, saving the state with no way to restore it, a state kept for "
            "the time "
            "of one function",
            risk="Resuming changes dropout and data order, so that no interrupted run can be reproduced.",
            remedy=Remedy(
                text="Save the states of Python's, NumPy's and torch's generators (CUDA included); set them "
                "on resume.",
                effort="hours",
                touches=("probe:checkpointing.optimizer", "new:{package}/checkpoints.py"),
            ),
            rollback="Ignore the entry when loading.",
            references=("https://docs.pytorch.org/docs/stable/notes/randomness.html",),
            check=checks.rng,
            component="safeguards",
        ),
        Probe(
            id="checkpointing.retention",
            ask="Keeps only the last N or best k checkpoints",
            motivation="Checkpoints of a large model fill a disk within a day.",
            counts="save_total_limit, ModelCheckpoint(save_top_k), max_to_keep, an own pruning routine, one "
            "file that "
            "is overwritten when validation improves",
            excludes="a checkpoint a step for ever",
            risk="The disk fills, the next save fails, and with it the run.",
            remedy=Remedy(
                text="After a successful save, delete all but the last N and the best.",
                effort="hours",
                touches=("probe:checkpointing.weights", "new:{package}/checkpoints.py"),
            ),
            rollback="Set N to unlimited.",
            references=("https://huggingface.co/docs/transformers/main_classes/trainer",),
            check=kept.retention,
            component="safeguards",
        ),
        Probe(
            id="checkpointing.digest",
            ask="Records a cryptographic digest of checkpoints",
            motivation="A digest ties an evaluation or a release to the very bytes that were trained.",
            counts="a SHA-2, BLAKE or MD5 digest of a checkpoint that the repository writes, kept with it",
            excludes="digests of data, cache keys, cookies or downloads",
            risk="A corrupted or exchanged file is loaded, and nobody can tell.",
            remedy=Remedy(
                text="Hash every file of a checkpoint after it is written; keep the digests in a manifest "
                "beside it.",
                effort="hours",
                touches=("probe:checkpointing.weights", "new:{package}/checkpoints.py"),
            ),
            rollback="Remove the manifest; loading does not need it.",
            references=(
                "https://github.com/ossf/model-signing-spec",
                "https://slsa.dev/spec/v1.0/provenance",
            ),
            check=kept.digest,
            component="safeguards",
        ),
        Probe(
            id="checkpointing.tests",
            ask="Tests exercise checkpoint save or load",
            motivation="A checkpoint that cannot be read is found when it is needed.",
            counts="an asserting test that runs the repository's code for saving or loading checkpoints",
            excludes="a test that only builds paths or settings",
            risk="After a change of names, old checkpoints load in part and silently.",
            remedy=Remedy(
                text="Save, load into a fresh model and compare every tensor; resume and compare with a run "
                "that never "
                "stopped.",
                effort="hours",
                touches=("file:tests/*checkpoint*", "new:tests/test_checkpoints.py"),
            ),
            rollback="Delete the test file.",
            references=("ML Test Score (Breck et al., 2017), Infra 7",),
            check=checks.tests,
            component="tests",
        ),
    ),
)
