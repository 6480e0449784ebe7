"""The program that runs the gates and records what came of them: written beside the report, standard library only."""

from __future__ import annotations

from collections.abc import Iterable

from codex_audit.status.model import Gate

MARK = "# Written by codex-audit status-update; it is written anew with each report."

_HEAD = '''#!/usr/bin/env python3
{mark}
"""Runs the gates of a status update one after the other and records each result.

    python {name} [--only NAME ...] [--timeout SECONDS] [--record FILE]

Run it in the root of the repository. It goes on after a failure. The record is JSON: command, exit code, seconds and
the last lines of output of each gate. A gate that fails or cannot start is shown as an error-capture block as well.
Exit code: 0 when every gate passed, 1 when one failed, 2 when a name is unknown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

# Name, command, what it is for, categories of the ML Test Score.
GATES: list[tuple[str, list[str], str, list[str]]] = [
{gates}]
'''

_BODY = '''
LAST_LINES = 20


def main() -> int:
    arguments = parsed()
    unknown = sorted(set(arguments.only) - {name for name, *_ in GATES})
    if unknown:
        print(f"unknown gate: {unknown[0]}; there are {', '.join(name for name, *_ in GATES)}", file=sys.stderr)
        return 2
    chosen = [gate for gate in GATES if not arguments.only or gate[0] in arguments.only]
    results = [result_of(gate, arguments.timeout) for gate in chosen]
    arguments.record.write_text(json.dumps({"gates": results}, indent=2, sort_keys=True) + "\\n", encoding="utf-8")
    failed = [result for result in results if result["outcome"] != "passed"]
    for number, result in enumerate(failed, 1):
        print(error_block(number, result), file=sys.stderr)
    print(f"{len(results) - len(failed)} of {len(results)} gates passed; recorded in {arguments.record}")
    return 1 if failed else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the gates of a status update and record each result.")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="run these gates alone")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds that a gate may take (1800)")
    parser.add_argument("--record", type=Path, default=Path("status_update_run.json"), help="where to record")
    return parser.parse_args()


def result_of(gate: tuple[str, list[str], str, list[str]], timeout: float) -> dict[str, object]:
    name, command, _, categories = gate
    start = time.monotonic()
    outcome, code, output = run(command, timeout)
    seconds = round(time.monotonic() - start, 2)
    print(f"{outcome:<7} {name} ({seconds} s)")
    return {
        "name": name,
        "command": command,
        "categories": categories,
        "outcome": outcome,
        "exit_code": code,
        "seconds": seconds,
        "output": output.splitlines()[-LAST_LINES:],
    }


def run(command: list[str], timeout: float) -> tuple[str, int | None, str]:
    """Outcome (passed, failed, missing), exit code and output."""
    program = sys.executable if command[0] == "python" else shutil.which(command[0])
    if program is None:
        return "missing", None, f"{command[0]} is not installed"
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "failed", None, f"no end after {timeout:g} seconds"
    return ("failed" if done.returncode else "passed"), done.returncode, done.stdout


def error_block(number: int, result: dict[str, object]) -> str:
    output = result["output"]
    last = output[-1] if isinstance(output, list) and output else "no output"
    return (
        f"Question {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}:\\n"
        f"While performing [{number}: gate {result['name']}], encountered the following error:\\n"
        f"{last}\\n"
        f"Context: {result['command']} ended with {result['exit_code']}\\n"
        "What are the possible causes, and how can this be resolved while preserving intended functionality?\\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
'''


def gates_script(name: str, gates: Iterable[Gate]) -> str:
    """The program text. Every value of the tree in it is a Python literal, and ``name`` a plain file name."""
    rows = "".join(
        f"    ({gate.name!r}, {list(gate.command)!r}, {gate.purpose!r}, {list(gate.categories)!r}),\n"
        for gate in gates
    )
    return _HEAD.replace("{mark}", MARK).replace("{name}", name).replace("{gates}", rows) + _BODY
