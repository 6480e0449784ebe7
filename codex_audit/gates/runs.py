"""The run folders that a repository holds are what their manifests say."""

from __future__ import annotations

import os
from collections.abc import Iterator

from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository, tracked

INDEX, CHECKPOINTS = "run.json", "checkpoints"
"""As in codex_evidence.run_documents, which is loaded where there is a run: most repositories hold none."""


def committed_runs(repository: Repository) -> Iterator[bytes]:
    """The folders of runs, by the ``run.json`` that git tracks. Raises GitError."""
    paths = sorted(tracked(repository, f":(glob)**/{INDEX}") or ())
    if not paths:
        return
    from codex_evidence.run_verify import is_run

    for path in paths:
        folder = path.rpartition(b"/")[0]
        if is_run(repository.place(folder)):
            yield folder


def run_problems(repository: Repository, run: bytes) -> Iterator[Problem]:
    """What does not fit in the run folder ``run``. Raises GitError. A clone lacks the checkpoints that git does not
    keep, and that is no fault of the run."""
    from codex_evidence.run_verify import verify_run

    for finding in verify_run(repository.place(run)):
        path = b"/".join(filter(None, (run, finding.file.encode())))
        if not (finding.file.startswith(f"{CHECKPOINTS}/") and _is_elsewhere(repository, path)):
            yield Problem(path, 0, finding.reason)


def _is_elsewhere(repository: Repository, path: bytes) -> bool:
    """Whether nothing lies at ``path``, neither here nor in git."""
    if os.path.lexists(repository.place(path)):
        return False
    return not tracked(repository, f":(literal){os.fsdecode(path)}")
