"""Audits with and without a cache, compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from codex_audit.cache.store import Store
from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.stages.pipeline import Audit, run_stages
from codex_audit.stages.request import Request
from codex_audit.workflow.settings import Workflow, defaults

WORKFLOW = defaults()


def audit(tree: Path, store: Store | None, workflow: Workflow = WORKFLOW) -> Audit:
    return run_stages(Request(tree, tree, workflow, lambda: CATALOGUE, store=store), "S7")


def same(one: Audit, other: Audit) -> bool:
    written = [(each.documents, each.reports, each.manifest) for each in (one, other)]
    return written[0] == written[1] and replace(one, seconds={}) == replace(other, seconds={})
