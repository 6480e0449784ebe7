"""A run that cannot go on says so in one line, keeps its last good checkpoint, and can be taken up again."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.runs import verify_run
from tests.engine.runs import Bench, Ended, final, manifests, records, taken

NOBODY = 65534
LONG = ("run.steps=300", "checkpoint.every=0")


@pytest.fixture(scope="module")
def long(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of LONG that was left alone."""
    run = tmp_path_factory.mktemp("stops") / "long"
    assert bench.train(run, "gpt2", *LONG).code == 0
    return run


def test_numbers_that_overflow_stop_the_run_and_leave_the_last_good_checkpoint(
    bench: Bench, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    # The rate is 0 in the first step, so the weights that are saved after it are those of the beginning.
    wild = ("schedule.warmup=2", "checkpoint.pinned=[1]", "checkpoint.every=0", "model.dtype=float16")
    ended = bench.train(run, "llama", *wild, "optimizer.lr=1000")
    assert ended.code == 1
    assert "the last checkpoint is that of step 1, whose loss was finite: resume --from 1, or" in ended.line
    (manifest,) = manifests(run)
    assert manifest.status == "failed"
    assert manifest.reason in ended.line
    assert verify_run(run) == ()
    verify_checkpoint(run / "checkpoints" / "step-000001")
    assert bench.resume(run).line == ended.line  # to the same end
    ended = bench.resume(run, "optimizer.lr=1e-3", "--accept", "config.optimizer.lr")
    assert ended.code == 0, ended.err
    assert verify_run(run) == ()


def test_the_checkpoint_before_ruined_weights_stays(bench: Bench, tmp_path: Path) -> None:
    """Step 2 has a finite loss and leaves weights that give none: step 1, which alone is good, is not removed for it."""
    run = tmp_path / "run"
    wild = ("schedule.warmup=2", "checkpoint.every=1", "checkpoint.keep_last=1", "model.dtype=float16")
    ended = bench.train(run, "llama", *wild, "optimizer.lr=1000")
    assert ended.code == 1
    assert "step 3: " in ended.line
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step-000001", "step-000002"]
    assert bench.resume(run, "--from", "1", "optimizer.lr=1e-3", "--accept", "config.optimizer.lr").code == 0
    assert verify_run(run) == ()
    assert len(list((run / "checkpoints").iterdir())) == 1


def test_numbers_that_overflow_before_a_checkpoint_do_not_claim_that_there_is_one(
    bench: Bench, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ended = bench.train(run, "llama", "checkpoint.every=0", "model.dtype=float16", "optimizer.lr=1000")
    assert ended.code == 1
    assert "no checkpoint was made yet: begin again with a lower optimizer.lr" in ended.line
    assert not list((run / "checkpoints").glob("*"))
    assert bench.resume(run).line == ended.line


def test_a_rate_beyond_all_bounds_stops_with_one_line(bench: Bench, tmp_path: Path) -> None:
    """Given to the engine itself: the commands refuse it."""
    run = tmp_path / "run"
    ended = bench.job(rate=1e9, config=bench.config(), overrides=["checkpoint.pinned=[1]"], folder=str(run))
    assert ended.code == 1
    assert "step " in ended.line
    assert manifests(run)[0].status == "failed"
    assert verify_run(run) == ()
    verify_checkpoint(run / "checkpoints" / "step-000001")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_a_step_with_a_checkpoint(
    bench: Bench, tmp_path: Path, long: Path, number: signal.Signals
) -> None:
    run = tmp_path / "run"
    steps = run / "segments" / "0000" / "steps.ndjson"
    ended = bench.train(run, "gpt2", *LONG, signal={"number": number, "file": str(steps), "lines": 9})
    assert ended.code == 4, ended.err
    assert '"status": "stopped"' in ended.out
    assert ended.err == ""
    (manifest,) = manifests(run)
    name = "SIGTERM" if number == signal.SIGTERM else "Ctrl-C"
    assert (manifest.status, manifest.reason) == ("stopped", f"stopped by {name}")
    assert manifest.steps is not None
    assert 9 <= manifest.steps.last < 300
    assert [entry.step for entry in manifest.checkpoints] == [manifest.steps.last]
    assert verify_run(run) == ()
    ended = bench.resume(run)
    assert ended.code == 0, ended.err
    assert final(run) == final(long)
    assert taken(run, segment="0000") + taken(run) == taken(long)


def test_a_signal_before_the_first_step_leaves_a_run_that_can_be_resumed(
    bench: Bench, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    index = run / "run.json"
    ended = bench.train(run, "gpt2", signal={"number": signal.SIGTERM, "file": str(index), "lines": 0})
    assert ended.code in (0, 4), ended.err  # the run may have been faster
    if ended.code == 4:
        assert len(records(run)) >= 1
        assert bench.resume(run).code == 0
    assert len(manifests(run)[-1].final_state_digest) == 64


@pytest.mark.parametrize("room", [12_000, 130_000])
def test_a_full_disk_ends_the_run_and_leaves_what_was_saved(bench: Bench, tmp_path: Path, room: int) -> None:
    """No file may grow beyond ``room`` bytes: first none can be, for the weights; then the step log."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    small = ("run.steps=400", "data.validation=0", "checkpoint.every=50", "checkpoint.keep_last=0")
    assert bench.train(whole, "llama", *small).code == 0
    ended = bench.train(run, "llama", *small, limit=room)
    assert ended.code == 2
    assert "cannot write" in ended.line
    assert "File too large" in ended.line
    saved = sorted((run / "checkpoints").glob("*")) if (run / "checkpoints").exists() else []
    assert len(saved) == (0 if room < 20_000 else len(records(run)) // 50)
    for path in saved:
        verify_checkpoint(path)
    assert len(records(run)) < 400
    assert verify_run(run) == ()
    ended = bench.resume(run)  # there is room again
    assert ended.code == 0, ended.err
    assert final(run) == final(whole)
    assert verify_run(run) == ()


def test_a_folder_that_cannot_be_written_is_said_in_one_line(bench: Bench, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    user = {"user": NOBODY} if is_root() else {}
    if not user:
        closed.chmod(0o555)
    refused(bench.train(closed / "run", "llama", f"data.cache={open_cache(tmp_path)}", **user), "run")
    assert not (closed / "run").exists()


def test_a_run_of_somebody_else_is_not_resumed_and_stays_as_it_was(bench: Bench, tmp_path: Path) -> None:
    if not is_root():
        pytest.skip("only root can be somebody else")
    run = tmp_path / "run"
    cache = open_cache(tmp_path)
    assert bench.killed(run, "llama", f"data.cache={cache}").code == -9
    for path in (run, *run.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    refused(bench.resume(run, user=NOBODY), "segments")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert bench.resume(run).code == 0
    assert verify_run(run) == ()


def refused(ended: Ended, what: str) -> None:
    assert ended.code == 2, ended.err
    assert what in ended.line
    assert "cannot write" in ended.line
    assert "Permission denied" in ended.line


def is_root() -> bool:
    return os.getuid() == 0


def open_cache(tmp_path: Path) -> Path:
    cache = tmp_path / "cache"
    cache.mkdir(exist_ok=True)
    cache.chmod(0o777)
    return cache


def test_a_batch_larger_than_the_data_ends_with_one_line_and_no_folder(bench: Bench, tmp_path: Path) -> None:
    ended = bench.train(tmp_path / "run", "llama", "run.batch=4096")
    assert ended.code == 2
    assert "fewer than run.batch=4096" in ended.line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("more", ["schedule.warmup=100000", "checkpoint.pinned=[9999]"])
def test_more_steps_than_the_epochs_have_end_with_one_line_and_no_folder(
    bench: Bench, tmp_path: Path, more: str
) -> None:
    ended = bench.train(tmp_path / "run", "llama", "run.steps=0", "run.epochs=0.1", more)
    assert ended.code == 2
    assert "but run.epochs=0.1 makes " in ended.line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_corpus_is_packed_ends_the_program_at_once(
    bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    lines = (json.dumps({"text": f"sentence {one}"}) + "\n" for one in range(600_000))
    (tmp_path / "corpus.jsonl").write_text("".join(lines))
    cache = tmp_path / "cache"
    data = (f"data.files=[{tmp_path / 'corpus.jsonl'}]", "data.format=jsonl", f"data.cache={cache}")
    began = time.monotonic()
    how = {"number": number, "glob": str(cache / "*" / "lock"), "lines": 0, "later": 0.2}
    ended = bench.train(tmp_path / "run", "llama", *data, signal=how)
    assert ended.code == 4
    assert ended.line == "codex-train: error: interrupted"
    assert time.monotonic() - began < 3  # to the end it takes longer
    assert not (tmp_path / "run").exists()
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["lock"]


def test_a_folder_that_is_a_file_is_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("notes")
    ended = bench.train(tmp_path / "run")
    assert ended.code == 2
    assert "is no folder" in ended.line
    assert (tmp_path / "run").read_text() == "notes"


def test_no_lower_loss_for_long_ends_the_run_early(bench: Bench, tmp_path: Path) -> None:
    run = tmp_path / "run"
    patient = ("evaluation.every=2", "run.patience=2", "optimizer.lr=1e-30", "schedule.kind=constant")
    ended = bench.train(run, "llama", *patient)
    assert ended.code == 0, ended.err
    assert "no lower held-out loss in 2 evaluations" in manifests(run)[0].reason
    assert len(records(run)) < 40
    assert len(final(run)[0]) == 64
    assert verify_run(run) == ()


def test_a_run_that_ended_early_is_not_trained_further(bench: Bench, tmp_path: Path) -> None:
    run = tmp_path / "run"
    patient = ("evaluation.every=2", "run.patience=2", "optimizer.lr=1e-30", "schedule.kind=constant")
    assert bench.train(run, "llama", *patient).code == 0
    before = final(run)
    ended = bench.resume(run)
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert (said["status"], said["reason"]) == ("finished", "no lower held-out loss in 2 evaluations")
    assert final(run) == before
    assert records(run) == ()
    assert verify_run(run) == ()
    ended = bench.resume(run, "run.patience=9", "--accept", "config.run.patience")
    assert ended.code == 0, ended.err
    assert len(records(run)) > 0


def test_the_loss_at_the_end_is_known_to_the_checkpoint_of_the_last_step(
    bench: Bench, tmp_path: Path
) -> None:
    """Also where its time had come before, so that the best one is kept."""
    run = tmp_path / "run"
    kept = ("checkpoint.every=20", "checkpoint.keep_last=1", "checkpoint.keep_best=1")
    assert bench.train(run, "llama", *kept).code == 0
    state = json.loads((run / "checkpoints" / "step-000040" / "training" / "state.json").read_text())
    assert list(state["training"]["losses"]) == ["40"]
    assert verify_run(run) == ()


@pytest.mark.parametrize("every", [20, 15])
def test_a_resume_at_the_last_step_costs_no_patience(bench: Bench, tmp_path: Path, every: int) -> None:
    """Also where the evaluation at the end has no part in the rhythm of the others, which a longer run would not make."""
    run = tmp_path / "run"
    patient = ("run.patience=9", "optimizer.lr=1e-30", "schedule.kind=constant")
    assert bench.train(run, "llama", f"evaluation.every={every}", *patient).code == 0
    state = run / "checkpoints" / "step-000040" / "training" / "state.json"
    kept = json.loads(state.read_text())["training"]["patience"]
    assert kept["since"] == 1  # of two evaluations the first is the lowest yet
    assert bench.resume(run).code == 0
    assert json.loads(state.read_text())["training"]["patience"] == kept
    assert verify_run(run) == ()
    ended = bench.job(command=["inspect", str(run), "--format", "json"])
    assert [one["step"] for one in json.loads(ended.out)["metrics"]] == sorted({every, 2 * every, 40})
