"""What is here, what a run would record of it, and whether this machine repeats itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import codex_train
from codex_evidence.plain import to_plain
from codex_train.screens.parts import Found, find_parts

CHILD = "codex_train.screens.tiny"
_SECONDS = 300.0


def examine() -> dict[str, Any]:
    """Everything that the doctor finds, as plain data. ``faults`` are what keeps a run from working or from being
    repeated; empty when all is well. Starts two processes, unless torch is missing."""
    parts = find_parts()
    faults = [_fault(found) for found in parts if found.part.needed and not found.fits]
    runs: list[dict[str, Any]] = []
    if not any(fault.startswith(("torch ", "numpy ")) for fault in faults):
        for _ in range(2):
            told = _child()
            if isinstance(told, str):
                faults.append(told)
                break
            runs.append(told)
    equal = _equal(runs)
    faults += [
        f"the same training steps gave other bits in two processes on {kind}"
        for kind, same in equal.items()
        if not same
    ]
    return {
        "parts": [{**to_plain(found.part), "version": found.version, "fits": found.fits} for found in parts],
        "git": shutil.which("git") is not None,
        "environment": {key: value for key, value in runs[0].items() if key != "digests"} if runs else None,
        "deterministic": equal,
        "digests": runs[0]["digests"] if runs else {},
        "faults": faults,
    }


def _fault(found: Found) -> str:
    name, least = found.part.distribution, found.part.least
    if not found.version:
        return f"{name} is not installed; pip install 'codex-audit[train]'"
    return f"{name} {found.version} does not serve; pip install '{name}{'>=' + least if least else ''}'"


def _child() -> dict[str, Any] | str:
    """What one child process found, or why it found nothing."""
    root = str(Path(codex_train.__file__).resolve().parent.parent)
    paths = filter(None, (root, os.environ.get("PYTHONPATH", "")))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", CHILD],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"a tiny training did not end within {_SECONDS:.0f} seconds"
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return f"a tiny training failed: {told[-1][:300] if told else f'exit code {done.returncode}'}"
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def _equal(runs: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether both runs gave the same bits, by kind of device; empty when there are no two."""
    if len(runs) != 2:
        return {}
    first, second = (run["digests"] for run in runs)
    return {kind: first[kind] == second.get(kind) for kind in first}


def doctor_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document of ``examine`` for people."""
    for part in document["parts"]:
        state = part["version"] or "not installed"
        need = "needed" if part["needed"] else "optional"
        short = "" if part["fits"] or not part["version"] else f" (at least {part['least']} is wanted)"
        yield f"{part['distribution']:<14}{state + short:<18} {need:<9} {part['purpose']}"
    if not document["git"]:
        yield "git           not found          optional  the state of your code is not recorded without it"
    if document["environment"] is not None:
        yield from _environment_lines(document["environment"])
    for kind, same in document["deterministic"].items():
        bits = "the same" if same else "other"
        yield f"deterministic {kind}: {'yes' if same else 'NO'}, a tiny training in two processes gave {bits} bits"
    yield from (f"FAULT         {fault}" for fault in document["faults"])
    yield "ready" if not document["faults"] else "not ready, see above"


def _environment_lines(environment: Mapping[str, Any]) -> Iterator[str]:
    known, detail = environment["class"], environment["detail"]
    torch, cuda = known["torch"], known["cuda"]
    cpu, memory = detail["cpu"] or known["machine"], detail["memory"] / 2**30
    yield f"processor     {cpu}, {detail['cores']} cores, {memory:.1f} GiB"
    yield (
        f"torch         kernels for {torch['cpu_capability']}, {torch['threads']} threads of one operation and "
        f"{torch['interop_threads']} between, oneDNN {'on' if torch['onednn'] else 'off'}"
    )
    yield from (f"              {line}" for line in torch["math"])
    if cuda is None:
        yield "gpu           torch sees none"
    else:
        names = ", ".join(f"{device['name']} ({device['capability']})" for device in cuda["devices"])
        driver = detail["gpu_driver"] or "?"
        yield f"gpu           {names}; CUDA {cuda['runtime']}, cuDNN {cuda['cudnn']}, driver: {driver}"
    mode = known["variables"].get("MKL_CBWR")
    told = f"MKL_CBWR={mode}" if mode else "MKL_CBWR is not set, so it takes the code path of this processor"
    yield f"MKL           {told}"
    yield from _recorded_lines(environment)


def _recorded_lines(environment: Mapping[str, Any]) -> Iterator[str]:
    variables = {**environment["class"]["variables"], **environment["detail"]["variables"]}
    told = ", ".join(f"{name}={value}" for name, value in sorted(variables.items()))
    yield (
        "recorded      class: machine, processor's vendor and features, torch's build, kernels, threads and modes, "
        "GPUs and their modes, number of processes, variables that change bits"
    )
    yield (
        f"              detail: versions, state of the code in git, packages with the digest of their RECORD "
        f"({environment['packages']} for a tiny training)"
    )
    count = len(environment["recordable_variables"])
    yield f"              variables: set are {told or 'none'} of the {count} that are ever recorded"
