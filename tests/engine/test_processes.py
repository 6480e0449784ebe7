"""Many processes under torchrun: the same samples, the same sums, the same bits after a kill."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.runs import verify_run
from tests.engine.runs import (
    KILLED,
    SAVE_AT,
    STEPS,
    Bench,
    Ended,
    environment,
    final,
    manifests,
    records,
    taken,
)
from tests.ports import meeting_port

SMALL = ("data.validation=0", "run.batch=8", "data.files=[both.txt]")
STRATEGIES = {"ddp": (), "fsdp": ("run.strategy=fsdp",)}  # DDP is what torchrun gets by default


@pytest.fixture(scope="module", autouse=True)
def corpus(bench: Bench) -> None:
    """Enough for batches of 8, in two epochs."""
    whole = (bench.base / "corpus.txt").read_bytes()
    (bench.base / "both.txt").write_bytes(whole[: 30 * 8 * 16])


def ranks(bench: Bench, size: int, job: dict[str, Any]) -> list[Ended]:
    """``job`` in ``size`` processes that find each other as torchrun's do."""
    return bench.together(of_ranks(size, job))


def of_ranks(size: int, job: dict[str, Any]) -> list[dict[str, Any]]:
    common = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(meeting_port())}
    return [{**job, "env": {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}} for rank in range(size)]


def trained(bench: Bench, size: int, run: Path, *overrides: str) -> Path:
    ended = ranks(bench, size, {"command": bench.run_command(run, "gpt2", *SMALL, *overrides)})
    assert [one.code for one in ended] == [0] * size, [one.err for one in ended]
    assert [bool(one.out) for one in ended] == [True] + [False] * (size - 1)  # one speaks for all
    return run


def torchrun(*arguments: object, cwd: Path) -> Ended:
    """`codex-train` in two processes of torchrun, which gives an exit code other than 0 when one of them does."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "0",
        "-m", "codex_train", *map(str, arguments)
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), cwd=cwd, check=False, timeout=200
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def killed_job(bench: Bench, run: Path, kind: str) -> dict[str, Any]:
    overrides = (*SMALL, *STRATEGIES[kind])
    return {
        "config": bench.config("gpt2"),
        "overrides": overrides,
        "folder": str(run),
        "kill_at": SAVE_AT + 1,
    }


@pytest.fixture(scope="module")
def one(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("ranks") / "one"
    assert bench.train(run, "gpt2", *SMALL).code == 0
    return run


@pytest.fixture(scope="module")
def two(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of two processes by strategy."""
    folder = tmp_path_factory.mktemp("ranks")
    return {kind: trained(bench, 2, folder / kind, *extra) for kind, extra in STRATEGIES.items()}


def test_any_number_of_processes_takes_the_same_samples(
    bench: Bench, tmp_path: Path, one: Path, two: dict[str, Path]
) -> None:
    four = trained(bench, 4, tmp_path / "four")
    order = [record.samples for record in records(one)]
    assert len(set(order)) == STEPS
    for run in (four, *two.values()):
        assert [record.samples for record in records(run)] == order
        assert [record.targets for record in records(run)] == [8 * 15] * STEPS
    assert [manifests(run)[0].world_size for run in (one, two["ddp"], four)] == [1, 2, 4]


def test_two_processes_learn_what_one_learns(bench: Bench, tmp_path: Path) -> None:
    """Without dropout, which each process draws for itself, only rounding differs."""
    still = ("data.validation=0", "data.files=[both.txt]", "run.batch=8")
    assert bench.train(tmp_path / "one", "llama", *still).code == 0
    losses = [record.loss for record in records(tmp_path / "one")]
    norms = [record.grad_norm for record in records(tmp_path / "one")]
    for kind, extra in STRATEGIES.items():
        run = tmp_path / kind
        ended = ranks(
            bench, 2, {"command": bench.run_command(run, "llama", *still, "run.micro_batch=2", *extra)}
        )
        assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
        assert [record.loss for record in records(run)] == pytest.approx(losses, abs=5e-4)
        assert [record.grad_norm for record in records(run)] == pytest.approx(norms, rel=5e-3)


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_two_killed_processes_go_on_to_the_same_bits(
    bench: Bench, tmp_path: Path, two: dict[str, Path], kind: str
) -> None:
    """Which also shows that both hold the same weights: what is saved are those of the first process, and after the
    resume the second goes on with them to the gradients that it would have had."""
    run = tmp_path / "run"
    assert KILLED in [one.code for one in ranks(bench, 2, killed_job(bench, run, kind))]
    verify_checkpoint(run / "checkpoints" / "step-000020")
    ended = ranks(bench, 2, {"command": ["resume", str(run), "--format", "json"]})
    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    assert final(run) == final(two[kind])
    assert taken(run) == taken(two[kind], SAVE_AT + 1)
    assert verify_run(run) == verify_run(two[kind]) == ()


def test_another_number_of_processes_goes_on_only_when_it_is_accepted(
    bench: Bench, two: dict[str, Path], one: Path
) -> None:
    again = {"command": ["resume", str(one), "--format", "json"]}
    for ended in (bench.resume(two["ddp"]), *ranks(bench, 2, again)):
        assert ended.code == 2
        assert "world_size was" in ended.line
        assert "--accept world_size, which" in ended.line
    assert [len(manifests(run)) for run in (one, two["ddp"])] == [1, 1]


STILL = ("data.validation=0", "data.files=[both.txt]", "run.batch=8")  # and a llama draws no random number
FSDP = "run.strategy=fsdp"


@pytest.fixture(scope="module")
def still(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """The losses of one process that was never stopped."""
    run = tmp_path_factory.mktemp("ranks") / "still"
    assert bench.train(run, "llama", *STILL).code == 0
    return [record.loss for record in records(run)]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((2, ""), (1, "")),
        ((1, ""), (2, "")),
        ((2, FSDP), (1, "run.strategy=auto")),
        ((2, FSDP), (2, "run.strategy=ddp")),
        ((1, ""), (2, FSDP)),
        ((2, FSDP), (4, FSDP)),
    ],
)
def test_other_processes_that_are_accepted_go_on_with_the_weights_and_the_optimizer(
    bench: Bench, tmp_path: Path, still: list[float], before: tuple[int, str], now: tuple[int, str]
) -> None:
    """Only rounding differs, which it would not if a moment of the optimizer were lost or in another place."""
    run = tmp_path / "run"
    own = [before[1]] if before[1] else []
    job = {
        "config": bench.config(), "overrides": [*STILL, *own], "folder": str(run), "kill_at": SAVE_AT + 1
    }  # fmt: skip
    assert KILLED in [one.code for one in launched(bench, before[0], job)]
    changed = ["--accept", "world_size"] if before[0] != now[0] else []
    changed += [now[1], "--accept", "config.run.strategy"] if now[1] != before[1] else []
    command = ["resume", str(run), *changed, "--format", "json"]
    ended = launched(bench, now[0], {"command": command})
    assert [one.code for one in ended] == [0] * now[0], [one.err for one in ended]
    manifest = manifests(run)[-1]
    assert manifest.parent is not None
    assert manifest.parent.overrides == tuple(sorted(changed[place + 1] for place in accepts(changed)))
    assert manifest.world_size == now[0]
    assert [record.loss for record in records(run)] == pytest.approx(still[SAVE_AT:], abs=5e-4)
    assert verify_run(run) == ()


def accepts(command: list[str]) -> list[int]:
    return [place for place, word in enumerate(command) if word == "--accept"]


def launched(bench: Bench, size: int, job: dict[str, Any]) -> list[Ended]:
    return [bench.job(**job)] if size == 1 else ranks(bench, size, job)


def test_a_process_without_a_random_state_says_where_it_begins_and_repeats_itself(
    bench: Bench, tmp_path: Path, one: Path, two: dict[str, Path]
) -> None:
    """Dropout draws a number in each process."""
    notes = {}
    for name, source, size in (("a", one, 2), ("b", one, 2), ("c", two["ddp"], 1)):
        run = shutil.copytree(source, tmp_path / name)
        command = ["resume", str(run), "--from", "20", "--accept", "world_size", "--format", "json"]
        ended = launched(bench, size, {"command": command})
        assert [each.code for each in ended] == [0] * size, [each.err for each in ended]
        (notes[name],) = json.loads(ended[0].out)["notes"]
        assert verify_run(run) == ()
    assert notes["a"] == (
        "the checkpoint is of 1 process and this run of 2 processes: those from number 1 on have no random state in it "
        "and begin with that of a new run"
    )
    assert notes["c"] == (
        "the checkpoint is of 2 processes and this run of 1 process: the random states of those from number 1 on are "
        "left out"
    )
    assert final(tmp_path / "a") == final(tmp_path / "b") != final(one)
    assert taken(tmp_path / "a") == taken(tmp_path / "b")


def test_what_was_accepted_once_is_asked_for_again_until_a_checkpoint_holds_it(
    bench: Bench, tmp_path: Path, two: dict[str, Path]
) -> None:
    """The last checkpoint says how many processes made it, not the last segment."""
    run = tmp_path / "run"
    ranks(bench, 2, killed_job(bench, run, "ddp"))
    accept = ("--accept", "world_size")
    moment = {"number": signal.SIGKILL, "file": str(run / "segments/0001/steps.ndjson"), "lines": 1}
    assert bench.resume(run, *accept, "checkpoint.every=0", "run.steps=2000", "--accept", "config.run.steps",
                        signal=moment).code == KILLED  # fmt: skip
    assert bench.resume(run, "run.steps=40").code == 2
    back = ["resume", str(run), "run.steps=40", "--accept", "config.run.steps", "checkpoint.every=20"]
    ended = ranks(bench, 2, {"command": [*back, "--format", "json"]})
    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    assert final(run) == final(two["ddp"])
    assert verify_run(run) == ()


@pytest.mark.parametrize(
    ("size", "overrides", "words"),
    [
        (3, (), "run.batch=8 cannot be shared by 3 processes"),
        (2, ("run.strategy=none",), "run.strategy=none, but 2 processes"),
    ],
)
def test_processes_that_do_not_fit_are_refused(
    bench: Bench, tmp_path: Path, size: int, overrides: Sequence[str], words: str
) -> None:
    job = {"command": bench.run_command(tmp_path / "run", "gpt2", *SMALL, *overrides)}
    for ended in ranks(bench, size, job):
        assert ended.code == 2
        assert words in ended.line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_to_one_process_stops_both_after_the_same_step(
    bench: Bench, tmp_path: Path, times: int
) -> None:
    """However often it comes: from who ends the job, and from its launcher."""
    run = tmp_path / "run"
    steps = run / "segments" / "0000" / "steps.ndjson"
    moment = {"number": signal.SIGTERM, "file": str(steps), "lines": 9, "times": times}
    command = bench.run_command(run, "gpt2", *SMALL, "run.steps=2000", "checkpoint.every=0")
    ended = ranks(bench, 2, {"command": command, "signal": moment})
    assert [one.code for one in ended] == [4, 4], [one.err for one in ended]
    (manifest,) = manifests(run)
    assert manifest.steps is not None
    assert (manifest.status, manifest.checkpoints[-1].step) == ("stopped", manifest.steps.last)
    assert verify_run(run) == ()


def test_a_process_that_is_gone_is_named_by_the_other_and_the_run_goes_on(
    bench: Bench, tmp_path: Path, two: dict[str, Path]
) -> None:
    run = tmp_path / "run"
    first, second = of_ranks(2, {"command": bench.run_command(run, "gpt2", *SMALL, *STRATEGIES["ddp"])})
    second["signal"] = {
        "number": signal.SIGKILL, "file": str(run / "segments/0000/steps.ndjson"), "lines": SAVE_AT + 1
    }  # fmt: skip
    left, gone = bench.together([first, second])
    assert (left.code, gone.code) == (1, KILLED)
    assert "another process of this run is gone" in left.line
    ended = ranks(bench, 2, {"command": ["resume", str(run), "--format", "json"]})
    assert [one.code for one in ended] == [0, 0], [one.err for one in ended]
    assert final(run) == final(two["ddp"])


def test_under_torchrun_both_processes_end_well(bench: Bench, tmp_path: Path, two: dict[str, Path]) -> None:
    """The entry that users take, to the end of the interpreter, where a process of gloo may abort."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    ended = torchrun(*bench.run_command(whole, "gpt2", *SMALL, *STRATEGIES["fsdp"]), cwd=bench.base)
    assert ended.code == 0, ended.err
    assert final(whole) == final(two["fsdp"])
    assert KILLED in [one.code for one in ranks(bench, 2, killed_job(bench, killed, "ddp"))]
    ended = torchrun("resume", killed, "--format", "json", cwd=bench.base)
    assert ended.code == 0, ended.err
    assert ended.out.count('"finished"') == 1
    assert final(killed) == final(two["ddp"])
    assert verify_run(whole) == verify_run(killed) == ()
