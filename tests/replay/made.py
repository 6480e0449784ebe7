"""Real tiny runs, and a forger: one who edits a run folder and recomputes every digest in it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import codex_train
from codex_evidence import run_documents as documents
from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_manifest import MANIFEST as CHECKPOINT
from codex_evidence.checkpoint_manifest import CheckpointFile, manifest_sha256
from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint
from codex_evidence.checkpoint_manifest import sealed as sealed_checkpoint
from codex_evidence.checkpoint_verify import state_tensors
from codex_evidence.digests import file_sha256, sha256_hex
from codex_evidence.documents import artifact_bytes
from codex_evidence.run_documents import StepsSummary
from codex_evidence.steps import StepRecord, line, merkle_root, read_steps
from codex_evidence.tensor_state import combined_digest
from codex_evidence.tensors import digest_file

ROOT = Path(codex_train.__file__).resolve().parents[1]

CONFIG = """
name: tiny
model: {architecture: llama, options: {hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2}}
data: {files: [a.txt], context: 16, validation: 0.1, cache: cache}
schedule: {kind: linear, final: 0.1}
run: {steps: 12, batch: 4, device: cpu, verify_packages: false}
evaluation: {every: 6, max_samples: 8}
checkpoint: {every: 4, keep_last: 2}
"""


def command(*words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``codex-train`` in a process of its own, with one thread unless ``variables`` say otherwise."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(
        [sys.executable, "-P", "-m", "codex_train", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def trained(folder: Path, *overrides: str) -> Path:
    """A run of CONFIG in ``folder``/run, over a text that is made there too."""
    words = (f"The {number}th line says {number * number % 97} and goes on." for number in range(400))
    (folder / "a.txt").write_text("\n".join(words))
    (folder / "tiny.yaml").write_text(CONFIG)
    done = command("run", "tiny.yaml", *overrides, "--folder", "run", "--format", "json", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def replayed(run: Path, *options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of ``codex-train replay``."""
    done = command("replay", str(run), "--format", "json", *options, folder=run.parent, **variables)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer


def edited_config(run: Path, part: str, **values: Any) -> None:
    """Changes settings of one part of the recorded configuration."""
    path = run / "segments" / "0000" / documents.CONFIG
    config = json.loads(path.read_bytes())
    config[part].update(values)
    path.write_bytes(canonical_bytes(config))


def reseal(run: Path, change: Callable[[StepRecord], StepRecord] = lambda record: record) -> None:
    """Recomputes every digest of a run of one segment, after files in it were edited, until it is consistent.
    ``change`` may edit each record of the step log on the way."""
    folder = run / "segments" / "0000"
    manifest, _ = documents.read_manifest(folder)
    records = read_steps(folder / documents.STEPS, manifest.genesis).records
    environment = json.loads((folder / documents.ENVIRONMENT).read_bytes())
    manifest = dataclasses.replace(
        manifest,
        config_sha256=sha256_hex((folder / documents.CONFIG).read_bytes()),
        data_sha256=sha256_hex((folder / documents.DATA).read_bytes()),
        environment_sha256=sha256_hex((folder / documents.ENVIRONMENT).read_bytes()),
        environment_class_sha256=documents.class_digest(environment["class"]),
    )
    origin = documents.genesis_of(manifest)
    states = {entry.step: entry.state_digest for entry in manifest.checkpoints}
    kept = {entry.step: run / entry.path for entry in manifest.checkpoints if entry.kept}
    files = {step: _files(path) for step, path in kept.items()}
    states |= {step: state for step, (_, state) in files.items()}

    heads, lines = {0: origin}, []
    for record in map(change, records):
        text, head = line(
            record.step,
            record.epoch,
            record.loss,
            record.grad_norm,
            record.lr,
            record.targets,
            record.samples,
            states.get(record.step - 1, ""),
            heads[record.step - 1],
        )
        heads[record.step] = head
        lines.append(text)
    (folder / documents.STEPS).write_bytes(b"".join(lines))
    digests = {}
    for step, path in kept.items():
        saved = sealed_checkpoint(
            dataclasses.replace(
                read_checkpoint(path),
                config_sha256=manifest.config_sha256,
                data_sha256=manifest.data_sha256,
                environment_sha256=manifest.environment_sha256,
                environment_class_sha256=manifest.environment_class_sha256,
                steps_head=heads[step],
                files=files[step][0],
                state_digest=files[step][1],
            )
        )
        (path / CHECKPOINT).write_bytes(artifact_bytes(saved))
        digests[step] = manifest_sha256(saved)
    last = records[-1].step
    manifest = dataclasses.replace(
        manifest,
        genesis=origin,
        checkpoints=tuple(
            dataclasses.replace(
                entry,
                state_digest=states[entry.step],
                manifest_sha256=digests.get(entry.step, entry.manifest_sha256),
            )
            for entry in manifest.checkpoints
        ),
        steps=StepsSummary(1, last, last, heads[last], merkle_root(text[:-1] for text in lines)),
        metrics=documents.LinesSummary(
            len((folder / documents.METRICS).read_bytes().splitlines()),
            file_sha256(folder / documents.METRICS)[0],
        ),
        final_state_digest=states[last],
    )
    (folder / documents.MANIFEST).write_bytes(artifact_bytes(documents.sealed(manifest)))


def _files(checkpoint: Path) -> tuple[tuple[CheckpointFile, ...], str]:
    """The files of a checkpoint as they are now, and the digest of the state in them."""
    paths = [file.path for file in read_checkpoint(checkpoint).files]
    digests = {path: file_sha256(checkpoint / path) for path in paths}
    tensors = {path: digest_file(checkpoint / path) for path in paths if path.endswith(".safetensors")}
    files = tuple(CheckpointFile(path, size, sha256) for path, (sha256, size) in digests.items())
    return files, combined_digest(state_tensors(tensors))
