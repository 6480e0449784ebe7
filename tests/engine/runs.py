"""Tiny runs in processes of their own, and what is to be compared of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import codex_train
from codex_evidence.digests import file_sha256
from codex_evidence.run_documents import RunManifest, read_index, read_manifest
from codex_evidence.steps import StepRecord, read_steps

ROOT = Path(codex_train.__file__).resolve().parents[1]
STEPS, SAVE_AT, BATCH, CONTEXT = 40, 20, 4, 16
KILLED = -9

LLAMA = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
GPT2 = {
    "n_embd": 16, "n_layer": 2, "n_head": 2, "resid_pdrop": 0.1, "embd_pdrop": 0.1, "attn_pdrop": 0.1
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a process ended: a signal's number is negative."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("codex-train: error: "), self.err
        return lines[0]


@dataclass(frozen=True)
class Bench:
    """``base`` holds corpora and configurations."""

    process: subprocess.Popen[str]
    base: Path

    def together(self, jobs: Sequence[dict[str, Any]]) -> list[Ended]:
        """Runs ``jobs`` side by side, each in a process of its own."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the worker is gone"
        return [Ended(**item) for item in json.loads(answer)]

    def job(self, **job: Any) -> Ended:
        return self.together([job])[0]

    def config(self, kind: str = "llama") -> str:
        return str(self.base / f"{kind}.yaml")

    def train(self, folder: Path, kind: str = "llama", *overrides: str, **job: Any) -> Ended:
        """`codex-train run`."""
        return self.job(command=self.run_command(folder, kind, *overrides), **job)

    def run_command(self, folder: Path, kind: str = "llama", *overrides: str) -> list[str]:
        return ["run", self.config(kind), *overrides, "--folder", str(folder), "--format", "json"]

    def resume(self, folder: Path, *options: str, **job: Any) -> Ended:
        """`codex-train resume`."""
        return self.job(command=["resume", str(folder), *options, "--format", "json"], **job)

    def killed(self, folder: Path, kind: str = "llama", *overrides: str, at: int = SAVE_AT + 1) -> Ended:
        """A run that is killed right after step ``at``, before it could save."""
        return self.job(config=self.config(kind), overrides=overrides, folder=str(folder), kill_at=at)


@contextmanager
def opened(base: Path) -> Iterator[Bench]:
    fill(base)
    program = [sys.executable, "-P", "-m", "tests.engine.worker"]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), cwd=base
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Bench(process, base)
        finally:
            process.kill()


def environment(threads: int = 1) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}


def alone(*arguments: object, threads: int = 1, cwd: Path | None = None) -> Ended:
    """``codex-train`` in a new process."""
    command = [sys.executable, "-P", "-m", "codex_train", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(threads), cwd=cwd, check=False, timeout=120
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def fill(base: Path) -> None:
    """Corpora, which end where a block ends, and a configuration for each architecture. The epoch of `fifteen.txt` has
    15 steps."""
    for name, steps, shift in (
        ("corpus.txt", 60, 0), ("other.txt", 60, 7), ("fifteen.txt", 15, 0), ("twenty.txt", SAVE_AT, 0)
    ):  # fmt: skip
        (base / name).write_bytes(text(steps * BATCH * CONTEXT, shift))
    for kind, options in (("llama", LLAMA), ("gpt2", GPT2)):
        (base / f"{kind}.yaml").write_text(json.dumps(plain_config(kind, options)))


def plain_config(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "tiny",
        "model": {"architecture": kind, "options": options},
        "data": {"files": ["corpus.txt"], "context": CONTEXT, "validation": 0.1, "cache": "cache"},
        "optimizer": {"lr": 3e-3},
        "run": {"steps": STEPS, "batch": BATCH, "device": "cpu", "verify_packages": False},
        "checkpoint": {"every": SAVE_AT},
    }


def text(size: int, shift: int) -> bytes:
    """Words with some order in them, the same each time."""
    words = ("sea", "salt", "a", "stone", "the", "over", "wind", "was", "an", "old", "ship", "far")
    picked = (
        words[(number * number + shift * number // 3 + number // 5) % len(words)] for number in range(size)
    )
    return " ".join(picked).encode()[:size]


def manifests(run: Path) -> list[RunManifest]:
    return [read_manifest(run / "segments" / name)[0] for name in read_index(run).segments]


def records(run: Path, segment: str = "") -> tuple[StepRecord, ...]:
    """The steps of ``segment``, default the last one."""
    name = segment or read_index(run).segments[-1]
    log = read_steps(
        run / "segments" / name / "steps.ndjson", read_manifest(run / "segments" / name)[0].genesis
    )
    assert not log.fault
    return log.records


def taken(run: Path, first: int = 1, segment: str = "") -> list[tuple[Any, ...]]:
    """What each step from ``first`` on was, but for its place in the chain and the checkpoints around it."""
    return [
        (one.step, one.epoch, one.loss_hex, one.grad_norm_hex, one.lr, one.targets, one.samples)
        for one in records(run, segment)
        if one.step >= first
    ]


def weights(run: Path, step: int = STEPS) -> str:
    """The digest of the weights' bytes."""
    folder = run / "checkpoints" / f"step-{step:06d}"
    (file,) = (
        folder / name
        for name in ("model.safetensors", "adapter_model.safetensors")
        if (folder / name).exists()
    )
    return file_sha256(file)[0]


def final(run: Path) -> tuple[str, str]:
    """The state and the weights that a finished run ended in."""
    manifest = manifests(run)[-1]
    assert manifest.status == "finished"
    assert len(manifest.final_state_digest) == 64
    return manifest.final_state_digest, weights(run, max(entry.step for entry in manifest.checkpoints))
