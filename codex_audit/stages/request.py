"""What an audit is asked for, and who watches it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from codex_audit.cache.store import Store
from codex_audit.workflow.settings import Workflow

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Capability
    from codex_audit.scanners.model import ScanResults

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What to audit. ``output`` is where an audit of this tree lies or will lie: what this program wrote
    there is no part of the tree. ``jobs`` is how many threads or processes may work at once. Without a
    ``store`` nothing is remembered. ``catalogue`` is called when the probes are needed, because loading them takes
    longer than an audit that is remembered. ``by_stamp`` lets files be that have not changed since the last index.
    Without ``reports`` they may be missing where no probe had to be asked.
    ``today`` is the day on which suppressions have to hold, None for the day
    it is; ``scan`` what scanners found in this very tree, which ``run_stages`` looks for under ``output`` and in the
    tree."""

    tree: Path
    output: Path
    workflow: Workflow
    catalogue: Callable[[], tuple[Capability, ...]]
    jobs: int = 1
    store: Store | None = None
    by_stamp: bool = False
    reports: bool = True
    today: date | None = None
    scan: ScanResults | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Runs a stage, tells ``tell`` its name first and keeps its wall-clock seconds."""

    tell: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, stage: str, work: Callable[[], T]) -> T:
        self.tell(stage)
        start = time.perf_counter()
        result = work()
        self.seconds[stage] = round(time.perf_counter() - start, 3)
        return result
