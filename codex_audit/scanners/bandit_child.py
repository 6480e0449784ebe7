"""Run as a program, in a folder of numbered files: bandit twice, and both answers as one JSON document on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_BANDIT = (sys.executable, "-E", "-P", "-B", "-X", "utf8", "-m", "bandit", "-q", "--exit-zero", "-f", "json")


def main() -> int:
    """Findings whatever the code says of itself, and those that are left where a ``nosec`` counts."""
    again = sorted(path.as_posix() for path in Path().rglob("*.py") if b"nosec" in path.read_bytes())
    unmarked = _bandit(*again) if again else {"results": [], "errors": []}
    json.dump({"all": _bandit("--ignore-nosec", "-r", "."), "unmarked": unmarked, "again": again}, sys.stdout)
    return 0


def _bandit(*arguments: str) -> dict[str, Any]:
    ended = subprocess.run([*_BANDIT, *arguments], capture_output=True, check=False)
    if not ended.stdout:
        sys.exit(ended.stderr.decode("utf-8", "replace")[-2000:])
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


if __name__ == "__main__":
    sys.exit(main())
