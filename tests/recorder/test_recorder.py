"""The recorder as a training loop uses it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_evidence.errors import RunError, SchemaError, StepError, UsageError, WriteError
from codex_evidence.runs import examine_run, read_index, read_manifest, verify_run
from codex_evidence.steps import read_steps
from codex_train.recorder.recorder import Parent, Recorder
from tests.recorder.made_up import (
    CONFIG,
    data_manifest,
    environment,
    make_run,
    never_named,
    opened,
    save,
    steps,
)


def test_a_closed_run_sums_up_its_steps(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 4)
    manifest = recorder.close("finished", final_state_digest="0" * 64)
    log = read_steps(tmp_path / "run/segments/0000/steps.ndjson", recorder.genesis)
    assert manifest.steps is not None
    assert (manifest.steps.count, manifest.steps.head, manifest.steps.root) == (4, log.head, log.root)
    assert (manifest.status, manifest.final_state_digest) == ("finished", "0" * 64)
    assert read_manifest(tmp_path / "run/segments/0000")[0] == manifest
    assert verify_run(tmp_path / "run") == ()


def test_each_step_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    for step in range(1, 4):
        steps(recorder, step, step)
        assert (tmp_path / "run/segments/0000/steps.ndjson").read_bytes().count(b"\n") == step
    recorder.abandon()


def test_a_process_killed_at_any_step_leaves_a_whole_log(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tests.recorder.made_up import opened, steps\n"
        "recorder = opened(Path(sys.argv[1])); steps(recorder, 1, 5); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "run"], check=False)
    assert done.returncode == -signal.SIGKILL
    report = examine_run(tmp_path / "run")
    assert (report.findings, report.steps) == ((), 5)


def test_the_next_step_names_the_state_that_was_saved(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    manifest, _ = read_manifest(run / "segments/0001")
    log = read_steps(run / "segments/0001/steps.ndjson", manifest.genesis)
    states = {record.step: record.state for record in log.records if record.state}
    saved = next(entry for entry in manifest.checkpoints if entry.step == 8)
    assert states == {9: saved.state_digest}


def test_a_resume_goes_on_after_the_checkpoint_and_names_what_was_abandoned(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    manifest, _ = read_manifest(run / "segments/0001")
    assert manifest.parent is not None
    assert (manifest.parent.segment, manifest.parent.step) == ("0000", 5)
    assert manifest.parent.overrides == ("environment.class.torch.threads",)
    assert {file.path for file in manifest.parent.former[0].files} >= {"steps.ndjson", "metrics.ndjson"}
    assert [(entry.step, entry.kept) for entry in manifest.checkpoints] == [(3, False), (5, True), (8, True)]
    assert read_index(run).segments == ("0000", "0001")


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    first = opened(tmp_path / "run")
    steps(first, 1, 2)
    first.abandon()
    second = opened(tmp_path / "run", Parent(None))
    steps(second, 1, 3)
    second.abandon()
    third = opened(tmp_path / "run", Parent(None))
    steps(third, 1, 4)
    third.close("finished")
    assert verify_run(tmp_path / "run") == ()
    log = tmp_path / "run/segments/0000/steps.ndjson"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    assert verify_run(tmp_path / "run")


def test_a_checkpoint_made_again_takes_the_place_of_the_abandoned_one(tmp_path: Path) -> None:
    first = opened(tmp_path / "run")
    steps(first, 1, 2)
    save(first, 2)
    steps(first, 3, 4)
    save(first, 4)
    first.close("stopped")
    second = opened(tmp_path / "run", Parent(tmp_path / "run/checkpoints/step-000002"))
    steps(second, 3, 4)
    shutil.rmtree(tmp_path / "run/checkpoints/step-000004")
    save(second, 4)
    second.close("finished")
    assert verify_run(tmp_path / "run") == ()


def test_a_run_may_go_on_from_a_checkpoint_of_another_run(tmp_path: Path) -> None:
    other = make_run(tmp_path / "other")
    recorder = opened(tmp_path / "run", Parent(other / "checkpoints/step-000008"))
    steps(recorder, 9, 10)
    recorder.close("finished")
    assert verify_run(tmp_path / "run") == ()
    assert recorder.parent is not None
    assert (recorder.parent.run, recorder.parent.checkpoint) == (read_index(other).id, "step-000008")


def test_a_run_is_not_written_over(tmp_path: Path) -> None:
    opened(tmp_path / "run").close("finished")
    with pytest.raises(UsageError, match="holds a run already; resume it"):
        opened(tmp_path / "run")


def test_only_one_process_writes_a_run(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    with pytest.raises(UsageError, match="another process writes the run"):
        opened(tmp_path / "run", Parent(None))
    recorder.abandon()
    opened(tmp_path / "run", Parent(None)).abandon()


def test_a_start_that_was_killed_before_it_was_named_is_noted_and_taken_up(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    never_named(run)
    report = examine_run(run)
    assert report.findings == ()
    assert any("segments/0002" in note for note in report.notes)
    opened(run, Parent(run / "checkpoints/step-000008")).close("stopped")
    assert verify_run(run) == ()


def test_steps_out_of_order_and_losses_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    digest = hashlib.sha256(b"").hexdigest()
    with pytest.raises(RunError, match="step 2 was to be recorded after step 0"):
        recorder.step(2, 0, 1.0, None, 0.1, 1, digest)
    with pytest.raises(StepError, match="not finite"):
        recorder.step(1, 0, math.nan, None, 0.1, 1, digest)
    steps(recorder, 1, 1)
    recorder.close("failed", "a line\nand another")
    assert read_manifest(tmp_path / "run/segments/0000")[0].reason == "a line and another"
    assert verify_run(tmp_path / "run") == ()


def test_a_perplexity_beyond_exact_integers_is_recorded_as_unknown(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    for value in (math.exp(40), math.inf, math.nan):
        recorder.metric({"step": 0, "loss": 40.0, "perplexity": value})
    recorder.close("finished")
    lines = (tmp_path / "run/segments/0000/metrics.ndjson").read_text().splitlines()
    assert [json.loads(text)["perplexity"] for text in lines] == [None] * 3
    assert verify_run(tmp_path / "run") == ()


def test_an_evaluation_without_a_step_and_data_of_another_form_are_refused(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    with pytest.raises(SchemaError, match="metrics"):
        recorder.metric({"loss": 1.0})
    recorder.abandon()
    with pytest.raises(SchemaError, match="data"):
        Recorder.open(
            tmp_path / "other", name="x", config=CONFIG, data={"files": []}, environment=environment()
        )
    assert not (tmp_path / "other/run.json").exists()


def test_a_checkpoint_of_another_step_is_refused(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 2)
    with pytest.raises(RunError, match="is not of this run's step 2"):
        save(recorder, 1)
    with pytest.raises(RunError, match="is no checkpoint of this run"):
        recorder.removed(tmp_path / "run/checkpoints/step-000009")


@pytest.mark.parametrize("name", ["../x", "", ".x", "steps.ndjson", "manifest.json", "a/b"])
def test_only_a_new_name_can_be_attached(name: str, tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    with pytest.raises(UsageError, match="cannot be attached"):
        recorder.attach(name, b"x")


def test_a_log_that_another_program_changed_is_not_closed(tmp_path: Path) -> None:
    recorder = opened(tmp_path / "run")
    steps(recorder, 1, 3)
    log = tmp_path / "run/segments/0000/steps.ndjson"
    log.write_bytes(log.read_bytes().replace(b'"targets":56', b'"targets":57', 1))
    with pytest.raises(RunError, match="is not what this run wrote"):
        recorder.close("finished")


def test_a_full_disk_is_one_error_and_leaves_whole_lines(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from codex_evidence.errors import WriteError; from tests.recorder.made_up import opened, steps\n"
        "recorder = opened(Path(sys.argv[1])); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: steps(recorder, 1, 100)\n"
        "except WriteError as error: print(error)"
    )
    run = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", code, run], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"cannot write {run}/segments/0000/steps.ndjson: File too large"
    report = examine_run(run)
    assert report.findings == ()
    assert report.steps >= 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_one_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="cannot write"):
        opened(tmp_path / "run")


def test_a_file_in_the_place_of_the_run_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(WriteError, match="cannot write"):
        opened(tmp_path / "run")


def test_recording_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.recorder.made_up import make_run\n"
        "make_run(Path(sys.argv[1])); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_data_manifest_of_these_tests_is_not_changed_by_recording(tmp_path: Path) -> None:
    given = data_manifest()
    recorder = Recorder.open(tmp_path / "run", name="x", config=CONFIG, data=given, environment=environment())
    recorder.close("finished", verify_packages=False)
    assert given == data_manifest()
