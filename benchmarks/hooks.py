"""How long a commit of one file takes with all hooks, on a tree that has been audited.

    python -m benchmarks.hooks TREE [--repeat 5] [--write docs/benchmarks.md]

Works on a copy of TREE in a git repository of its own, with pre-commit installed in it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.document import add_write, count, finish, folder, note, table
from benchmarks.edits import widest_edit
from benchmarks.machine import machine_lines
from benchmarks.processes import Cost, Task, interleaved, timed
from benchmarks.programs import beside_python

HOOKS = Path(__file__).resolve().parent.parent / ".pre-commit-hooks.yaml"
AIM = 1.5  # seconds for all hooks together
GIT = ("git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "core.autocrlf=false")
BARE = "git commit, no hooks"
CODE, TEXT = "a Python file", "a Markdown file"
AUDITED = " and the new audit"


@dataclass(frozen=True, slots=True)
class Place:
    """The copy ``tree`` in git, and the folder for caches. ``code`` and ``text`` are the files that are edited."""

    tree: Path
    scratch: Path
    code: str
    text: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))}
        return {
            **kept,
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "PRE_COMMIT_HOME": str(self.scratch / "pre-commit"),
        }

    def git(self, *words: str) -> str:
        done = subprocess.run(
            [*GIT, *words], cwd=self.tree, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def audit(self, *words: str) -> None:
        timed((beside_python("codex-audit"), *words, str(self.tree)), self.environment)

    def commit(self, *options: str) -> tuple[str, ...]:
        """A commit that hooks may refuse: what it costs counts all the same."""
        words = (*GIT, "-C", str(self.tree), "commit", "--quiet", "--message", "measured", *options)
        return ("sh", "-c", f"{shlex.join(words)} || true")


def prepared(place: Place) -> str:
    """Audits, writes the baseline, installs the hooks and commits all of it. Returns the commit."""
    place.git("init", "--quiet")
    (place.tree / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config()), encoding="utf-8")
    place.git("add", "--all", "--force")
    place.audit("run")
    place.audit("gate", "--write-baseline")
    place.git("add", "--all", "--force")
    place.git("commit", "--quiet", "--message", "audited")
    install = (sys.executable, "-m", "pre_commit", "install")
    subprocess.run(install, cwd=place.tree, env=place.environment, check=True, capture_output=True)
    return place.git("rev-parse", "HEAD").strip()


def config() -> dict[str, object]:
    """The published hooks of the stage pre-commit, run by the program beside this Python."""
    published = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    program = shlex.quote(beside_python("codex-audit"))
    hooks = [
        {**hook, "language": "system", "entry": hook["entry"].replace("codex-audit", program, 1)}
        for hook in published
        if "stages" not in hook
    ]
    return {"repos": [{"repo": "local", "hooks": hooks}]}


def tasks_of(place: Place, base: str) -> list[Task]:
    """The commits of a round, each from the same commit on, each with a line that no earlier one had."""
    edit = widest_edit(place.tree, [place.code])[2]

    def changed(name: str, number: int) -> None:
        place.git("reset", "--quiet", "--hard", base)
        # So that the last one in the cache is that of the commit before, as for who works here.
        place.audit("run")
        place.git("add", "--all", "--force")
        place.git("reset", "--quiet", "--hard", base)
        if name.startswith(TEXT):
            with (place.tree / place.text).open("a", encoding="utf-8") as file:
                file.write(f"\n{'Audited' if name.endswith(AUDITED) else 'Touched'} {number}.\n")
        else:
            edit.apply(f"_{'audited' if name.endswith(AUDITED) else 'touched'} = {number}")
        if name.endswith(AUDITED):
            place.audit("run")
        place.git("add", "--all", "--force")

    def task(name: str, *options: str) -> Task:
        return Task(name, place.commit(*options), lambda number: changed(name, number))

    edits = (CODE + AUDITED, TEXT + AUDITED, CODE, TEXT)
    return [task(BARE, "--no-verify"), *map(task, edits)]


def alone(place: Place) -> list[Task]:
    """Each hook by itself, on the Markdown file where it takes files."""
    program = beside_python("codex-audit")
    hooks = ("fences", "links", "artifacts", "runs", "current")
    words = {name: ("hook", name, *((place.text,) if name in hooks[:3] else ())) for name in hooks} | {
        "gate": ("gate",)
    }
    within = f"cd {shlex.quote(str(place.tree))} && "
    return [
        Task(
            shlex.join(("codex-audit", *given)),
            ("sh", "-c", f"{within}{shlex.join((program, *given))} || true"),
        )
        for given in words.values()
    ]


def report(
    place: Place, commits: Mapping[str, Sequence[Cost]], single: Mapping[str, Sequence[Cost]]
) -> Iterator[str]:
    """The tables as Markdown."""
    bare = min(cost.wall for cost in commits[BARE])
    yield table(
        ("commit of", "best s", "median s", "worst s", "hooks alone, best s", "aim"),
        (_row(name, costs, bare) for name, costs in commits.items()),
    )
    yield table(
        ("hook by itself", "best s", "median s"),
        (
            (name, *(f"{figure(cost.wall for cost in costs):.3f}" for figure in (min, statistics.median)))
            for name, costs in single.items()
        ),
    )
    yield (
        f"The Python file is {place.code}, which most others import, the Markdown file {place.text}. *Hooks alone* is "
        "the whole commit less one without hooks, so it holds what pre-commit itself takes. A commit without a new "
        "audit has run all hooks, and `codex-audit-current` has refused it; there the gate itself audits the change.\n"
    )


def _row(name: str, costs: Sequence[Cost], bare: float) -> tuple[str, ...]:
    walls = [cost.wall for cost in costs]
    figures = (min(walls), statistics.median(walls), max(walls))
    if name == BARE:
        return (name, *(f"{figure:.3f}" for figure in figures), "", "")
    hooks = min(walls) - bare
    aim = f"{AIM:g}{'' if hooks <= AIM else ' (missed)'}"
    return (name, *(f"{figure:.3f}" for figure in figures), f"{hooks:.3f}", aim)


def edited_files(tree: Path) -> tuple[str, str]:
    """The Python file that most others import, and a Markdown file, preferably a short one that says something."""
    paths = [path.relative_to(tree).as_posix() for path in sorted(tree.rglob("*.py"))]
    texts = sorted(tree.rglob("*.md"), key=lambda path: (path.stat().st_size < 1000, path.stat().st_size))
    return widest_edit(tree, paths)[0], texts[0].relative_to(tree).as_posix()


def main() -> int:
    """Measure, print, write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", type=folder, metavar="TREE")
    parser.add_argument("--repeat", type=count, default=5, metavar="N", help="rounds (default: 5)")
    add_write(parser)
    arguments = parser.parse_args()
    machine = "\n".join(machine_lines(len(os.sched_getaffinity(0))))
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "trees" / arguments.tree.resolve().name
        shutil.copytree(arguments.tree, copy, symlinks=True)
        place = Place(copy, Path(temporary) / "scratch", *edited_files(copy))
        note("auditing the tree once")
        base = prepared(place)
        note(f"{arguments.repeat} rounds of commits")
        commits = interleaved(tasks_of(place, base), arguments.repeat, place.environment)
        place.git("reset", "--quiet", "--hard", base)
        single = interleaved(alone(place), arguments.repeat, place.environment)
    text = "\n".join(
        (f"## Hooks\n\n`{copy.name}`, measured on\n", machine + "\n", *report(place, commits, single))
    )
    finish("hooks", text, arguments.write)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
