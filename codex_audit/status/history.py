"""What git says of the last changes of a tree, live-looking credentials replaced. Times are those of the commits, in
UTC."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from codex_audit.facts.secrets import redact
from codex_audit.listing.git import trusted_git
from codex_audit.status.model import Changes, Commit
from codex_evidence.safe_git import GitError

SHOWN = 6
COUNTED = 50
BUSIEST = 50
_MARK = "\x1e"
_LONGEST = 120


def recent_changes(root: Path) -> Changes:
    """The newest commits that touch ``root``, and the files that the last 50 of them changed most. ``root`` is the real
    path of a folder of which git has a view. Nothing of the repository runs: no signature is checked and no file's
    content is read."""
    try:
        done = trusted_git(root).run(
            "log",
            f"--max-count={COUNTED}",
            "--no-merges",
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--no-color",
            "--no-decorate",
            "--no-mailmap",
            "--encoding=UTF-8",
            "--relative",
            "--name-only",
            "-z",
            f"--format=tformat:{_MARK}%H%x1f%ct%x1f%s%x1f",
            "HEAD",
            "--",
            ".",
        )
    except GitError as error:
        return Changes(reason=str(error))
    if done.returncode:
        return Changes(reason="git names no commit here")
    return _changes(done.stdout.decode("utf-8", "replace"))


def _changes(text: str) -> Changes:
    commits: list[Commit] = []
    touched: Counter[str] = Counter()
    for record in text.split(_MARK)[1:]:
        fields = record.split("\x1f")
        if len(fields) < 4 or not fields[1].isdigit():
            continue  # a subject that holds the separators itself
        day = datetime.fromtimestamp(int(fields[1]), UTC).date().isoformat()
        commits.append(Commit(fields[0][:10], day, redact(fields[2])[:_LONGEST]))
        touched.update(path for path in fields[-1].strip("\0\n").split("\0") if path)
    busiest = sorted(touched.items(), key=lambda item: (-item[1], item[0]))[:BUSIEST]
    return Changes(tuple(commits[:SHOWN]), len(commits), tuple(busiest))
