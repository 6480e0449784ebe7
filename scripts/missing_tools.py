"""Fails when tests were skipped for want of a tool, by the JUnit file of their run.

    python scripts/missing_tools.py build/junit.xml

A developer may do without a browser or a terminal multiplexer; where a release is judged, every test has to run that
can. A skip for the machine's nature (no GPU, not the superuser) is none of these.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

TOOL = re.compile(r"not installed|is missing|could not import|reaches no index")


def skipped_for_a_tool(junit: str) -> Iterator[str]:
    """Each test that was skipped because something is not installed, with the reason."""
    for case in ElementTree.fromstring(junit).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        for skip in case.iter("skipped"):
            reason = skip.get("message", "")
            if TOOL.search(reason):
                yield f"{case.get('classname')}.{case.get('name')}: {reason}"


def main() -> int:
    found = list(skipped_for_a_tool(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for line in found:
        print(f"skipped: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
