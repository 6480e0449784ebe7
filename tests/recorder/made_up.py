"""A small run, made with the recorder and arrays of numpy: two checkpoints, a kill, a resume, a removal."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from codex_evidence import run_documents as documents
from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_manifest import (
    TENSORS,
    CheckpointFile,
    CheckpointManifest,
    sealed,
    state_name,
)
from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint
from codex_evidence.checkpoint_verify import state_tensors
from codex_evidence.digests import file_sha256
from codex_evidence.documents import artifact_bytes
from codex_evidence.steps import read_steps
from codex_evidence.tensors import RawTensor, TensorDigest, combined_digest, digest_file, write_tensors
from codex_train.recorder.environment import Environment, record_environment
from codex_train.recorder.recorder import Parent, Recorder

CONFIG: dict[str, Any] = {"name": "made-up", "optimizer": {"lr": 0.0003}}
DIGEST = hashlib.sha256(b"").hexdigest()


def data_manifest() -> dict[str, Any]:
    part = {"samples": 8, "documents": 1, "tokens": 64, "targets": 56, "bytes": 56, "sha256": DIGEST}
    return {
        "schema": "codex-train/run_data/v1",
        "licence": "CC0-1.0",
        "source": "nowhere",
        "format": "text",
        "files": [{"path": "a.txt", "size": 64, "sha256": DIGEST, "records": 1, "documents": 1}],
        "records": 1,
        "bad_records": 0,
        "cut_records": 0,
        "documents": 1,
        "context": 8,
        "encoder": {"kind": "bytes", "size": 256, "sha256": DIGEST},
        "split": {"rule": "none", "unit": "none", "share": 0, "seed": 0},
        "train": part,
        "validation": None,
    }


def environment(files: dict[str, bytes] | None = None) -> Environment:
    return Environment(record_environment().document, files or {})


def opened(run: Path, parent: Parent | None = None, **more: Any) -> Recorder:
    more.setdefault("environment", environment())
    more.setdefault("config", CONFIG)
    return Recorder.open(run, name="made-up", data=data_manifest(), parent=parent, **more)


def steps(recorder: Recorder, first: int, last: int) -> None:
    for step in range(first, last + 1):
        samples = hashlib.sha256(np.arange(step, step + 8, dtype="<i8").tobytes()).hexdigest()
        recorder.step(step, 0, 5.5 / step, 1.25 * step, 3e-5 * step, 56, samples)


def save(recorder: Recorder, step: int) -> Path:
    """A checkpoint as the checkpoints room lays it out, told to the recorder."""
    folder = recorder.run / "checkpoints" / f"step-{step:06d}"
    (folder / "training").mkdir(parents=True)
    files: list[CheckpointFile] = []
    tensors: list[TensorDigest] = []
    for path, seed in (("model.safetensors", step), ("training/optimizer.safetensors", step + 1000)):
        values = np.random.default_rng(seed).standard_normal((3, 4)).astype("<f4")
        written = write_tensors(folder / path, [RawTensor("w", "F32", (3, 4), values)], {"format": "pt"})
        files.append(CheckpointFile(path, written.size, written.sha256))
        tensors += [
            TensorDigest(state_name(path, t.name), t.dtype, t.shape, t.sha256) for t in written.tensors
        ]
    for path, data in (("config.json", b"{}"), ("training/state.json", canonical_bytes({"step": step}))):
        (folder / path).write_bytes(data)
        files.append(CheckpointFile(path, len(data), hashlib.sha256(data).hexdigest()))
    identity = recorder.identity
    manifest = sealed(
        CheckpointManifest(
            schema="codex-train/run_checkpoint/v1",
            run=identity.run,
            segment=identity.segment,
            step=step,
            world_size=identity.world_size,
            config_sha256=identity.config_sha256,
            data_sha256=identity.data_sha256,
            environment_class_sha256=identity.environment_class_sha256,
            environment_sha256=identity.environment_sha256,
            steps_head=recorder.head,
            overrides=(),
            files=tuple(sorted(files, key=lambda file: file.path)),
            state_digest=combined_digest(tensors),
            self_sha256="",
        )
    )
    (folder / "checkpoint.json").write_bytes(artifact_bytes(manifest))
    recorder.checkpoint(manifest, folder)
    return folder


def make_run(run: Path) -> Path:
    """Steps 1 to 7 in a process that was killed, saved at 3 and 5; 6 to 10 from there, saved at 8, and 3 removed."""
    first = opened(run, environment=environment({"source.patch": b"diff --git a/a b/a\n"}))
    steps(first, 1, 3)
    old = save(first, 3)
    first.metric({"step": 3, "loss": 1.5, "perplexity": 4.48, "samples": 8})
    steps(first, 4, 5)
    middle = save(first, 5)
    steps(first, 6, 7)
    first.abandon()
    second = opened(run, Parent(middle, ("environment.class.torch.threads",)))
    steps(second, 6, 8)
    save(second, 8)
    second.removed(old)
    shutil.rmtree(old)
    steps(second, 9, 10)
    second.metric({"step": 10, "loss": 0.55, "perplexity": None})
    second.attach("loss.svg", b"<svg/>")
    second.close("finished", verify_packages=False)
    return run


def killed_run(run: Path) -> Path:
    """Steps 1 to 8 in a process that was killed, saved at 3 and 6."""
    recorder = opened(run)
    for first, last in ((1, 3), (4, 6)):
        steps(recorder, first, last)
        save(recorder, last)
    steps(recorder, 7, 8)
    recorder.abandon()
    return run


def never_named(run: Path) -> Path:
    """The folder of a segment of the run of ``make_run`` whose process was killed before the index named it."""
    index = (run / "run.json").read_bytes()
    recorder = opened(run, Parent(run / "checkpoints/step-000008"))
    recorder.abandon()
    (run / "run.json").write_bytes(index)
    return recorder.folder


def forge(run: Path, step: int, made: int) -> Path:
    """A checkpoint after ``step`` of the first segment that nobody made, with every digest right. It holds the state
    of the one at step ``made``, one number changed."""
    folder = run / "checkpoints" / f"step-{step:06d}"
    shutil.copytree(run / "checkpoints" / f"step-{made:06d}", folder, dirs_exist_ok=True)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    saved = read_checkpoint(run / "checkpoints" / f"step-{made:06d}")
    paths = [file.path for file in saved.files]
    tensors = {path: digest_file(folder / path) for path in paths if path.endswith(TENSORS)}
    digests = {path: file_sha256(folder / path) for path in paths}
    files = tuple(CheckpointFile(path, size, digest) for path, (digest, size) in digests.items())
    segment, _ = documents.read_manifest(run / "segments/0000")
    head = read_steps(run / "segments/0000/steps.ndjson", segment.genesis).digests[step - 1]
    state = combined_digest(state_tensors(tensors))
    changed = replace(saved, step=step, steps_head=head, files=files, state_digest=state)
    (folder / "checkpoint.json").write_bytes(artifact_bytes(sealed(changed)))
    return folder


def reseal(segment: Path, **changes: Any) -> None:
    """Edits the manifest in the folder ``segment`` and makes its own digest right."""
    manifest, _ = documents.read_manifest(segment)
    whole = documents.sealed(replace(manifest, **changes))
    (segment / "manifest.json").write_bytes(artifact_bytes(whole))
