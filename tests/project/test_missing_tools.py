"""CI ends with a failure where a test was skipped that could have run there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts import missing_tools
from tests.status.test_examples import MISSING

SKIPPED = (
    "tmux is not installed (Debian package tmux)",
    "could not import 'datasets': No module named 'datasets'",
    "pip reaches no index: ERROR: No matching distribution found",
    MISSING,
)
NATURE = "only root can be somebody else"


def junit(folder: Path, *reasons: str) -> Path:
    """What pytest writes of tests that are skipped for ``reasons``."""
    lines = (f"def test_{number}():\n    pytest.skip({reason!r})\n" for number, reason in enumerate(reasons))
    (folder / "test_it.py").write_text("import pytest\n" + "".join(lines))
    written = folder / "junit.xml"
    command = [
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--junitxml={written}",
        f"--rootdir={folder}",
        str(folder),
    ]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([sys.executable, "-m", *command], cwd=folder, env=alone, check=True, capture_output=True)
    return written


def test_a_skip_for_want_of_something_counts_and_one_for_the_machine_does_not(tmp_path: Path) -> None:
    written = junit(tmp_path, *SKIPPED, NATURE)
    found = list(missing_tools.skipped_for_a_tool(written.read_text("utf-8")))
    assert found == [f"test_it.test_{number}: {reason}" for number, reason in enumerate(SKIPPED)]
    command = [sys.executable, missing_tools.__file__, str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("skipped: ")) == (1, len(SKIPPED))
    (tmp_path / "test_it.py").unlink()
    assert subprocess.run([*command[:-1], str(junit(tmp_path, NATURE))], check=False).returncode == 0
