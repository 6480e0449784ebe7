"""What both programs do alike: an exit code and one line, whatever happens."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import argparse, sys
from codex_evidence.command_line import run_program
from codex_evidence.errors import RunError, UsageError

def command(arguments):
    {body}

def explain(error):
    return UsageError("known") if isinstance(error, LookupError) else None

parse = lambda argv: argparse.Namespace(command=command, debug=False)
sys.exit(run_program("it", parse, [], explain))
"""


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("return 1", 1, ""),
        ("raise RunError('two\\nlines \\x1b')", 1, "it: error: two lines \\x1b"),
        ("raise KeyboardInterrupt", 4, "it: error: interrupted"),
        ("exec('raise KeyboardInterrupt')", 4, "it: error: interrupted"),
        ("raise KeyError(1)", 2, "it: error: known"),
        (
            "1 / 0",
            3,
            "it: error: a bug of this program (ZeroDivisionError: division by zero); it --debug ...",
        ),
        ("raise BrokenPipeError", 4, ""),
    ],
)
def test_every_end_has_its_exit_code_and_at_most_one_line(body: str, code: int, line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == bool(line)
