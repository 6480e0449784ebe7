"""The commands of a page, as its reader would type them.

A fenced block of the language ``console`` is a session of a shell: a line that begins with ``$ `` is a command, ``> ``
goes on with it, and what follows is what it prints, where it is worth showing. ``...`` stands for anything. All blocks of
a page are one session, so that ``cd`` and variables last. Blocks of any other language are read, not run.
"""

from __future__ import annotations

import doctest
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_MARK = "\x1e"  # the record separator, which no page and no command here prints


@dataclass(frozen=True, slots=True)
class Step:
    """A command at ``line`` of its page, and what the page says that it prints; empty where it says nothing."""

    line: int
    command: str
    shown: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: its exit code, None where the session ended before it, and what it printed."""

    step: Step
    code: int | None
    printed: str

    @property
    def is_as_shown(self) -> bool:
        """Whether it ended well and printed what the page shows."""
        checker = doctest.OutputChecker()
        fits = not self.step.shown or checker.check_output(self.step.shown, self.printed, doctest.ELLIPSIS)
        return self.code == 0 and fits


def steps(page: str) -> list[Step]:
    """The commands of the ``console`` blocks of ``page`` (Markdown), in order."""
    found: list[Step] = []
    for block in MarkdownIt("commonmark").parse(page):
        if block.type != "fence" or block.info.split() != ["console"]:
            continue
        begin = block.map[0] + 2 if block.map else 0
        for number, line in enumerate(block.content.splitlines(), begin):
            if line.startswith("$ "):
                found.append(Step(number, line[2:], ""))
            elif line.startswith("> ") or line == ">":
                last = found.pop()
                found.append(Step(last.line, f"{last.command}\n{line[2:]}", last.shown))
            else:
                last = found.pop()
                found.append(Step(last.line, last.command, f"{last.shown}{line}\n"))
    return found


def play(page: list[Step], folder: Path, environment: Mapping[str, str]) -> list[Outcome]:
    """Types all commands into one shell in ``folder``, each whatever came of the one before."""
    script = "".join(f"{step.command}\nprintf '{_MARK}%d{_MARK}' $?\n" for step in page)
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    words = ended.stdout.split(_MARK)
    pairs = zip(words[1::2], words[::2], strict=False)
    done = [Outcome(step, int(code), printed) for step, (code, printed) in zip(page, pairs, strict=False)]
    return done + [Outcome(step, None, "") for step in page[len(done) :]]


def home(folder: Path, clone: Path) -> dict[str, str]:
    """The environment of a reader whose home is ``folder`` and who has cloned this project to ``clone``. Both programs
    are on the path, git knows who commits, and pip has the settings of whoever runs this."""
    pip = Path.home() / ".config" / "pip" / "pip.conf"
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = A reader\n\temail = reader@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    found = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))}
    found |= {"HOME": str(folder), "CLONE": str(clone), "TERM": "dumb", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    found["OMP_NUM_THREADS"] = "1"  # the models are tiny, and tests beside this one want the other cores
    found["COLUMNS"] = "100"  # as wide as the pages are
    found["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    if pip.is_file():
        found["PIP_CONFIG_FILE"] = str(pip)
    links = os.environ.get("PIP_FIND_LINKS", "")
    if links and (clone / links).is_dir():
        found["PIP_FIND_LINKS"] = str(clone / links)
    return found
