"""S1 to S7 in order, in memory: the tree goes in, all that an audit will write comes out."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from codex_audit.artifacts import (
    AuditManifest,
    CapabilitiesRaw,
    CapabilitiesScored,
    ContextIndex,
    Facets,
    Gaps,
)
from codex_audit.cache.store import Store
from codex_audit.capabilities.model import Capability
from codex_audit.stages.capabilities import ask_capabilities
from codex_audit.stages.excerpts import with_excerpts
from codex_audit.stages.facets import Reading, indexed_bytes, is_text, read_facets
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.index import Listing, index_tree
from codex_audit.stages.inputs import audit_inputs
from codex_audit.stages.manifest import make_manifest
from codex_audit.stages.places import ARTIFACTS
from codex_audit.stages.remembered import Results, recall, remember, results_key
from codex_audit.stages.render import render_reports, report_input
from codex_audit.stages.scoring import score_capabilities
from codex_audit.stages.vocabulary import load_vocabulary
from codex_audit.workflow.settings import STAGES, Workflow
from codex_evidence.documents import artifact_bytes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What to audit. ``output`` is where an audit of this tree lies or will lie: what this program wrote
    there is no part of the tree. ``jobs`` is how many threads or processes may work at once. Without a
    ``store`` nothing is remembered."""

    tree: Path
    output: Path
    workflow: Workflow
    catalogue: tuple[Capability, ...]
    jobs: int = 1
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What the stages made, None for those that did not run. ``documents`` are the bytes of the artifacts by
    name and ``reports`` those of the reports by format, in stage order."""

    index: ContextIndex
    facets: Facets | None
    raw: CapabilitiesRaw | None
    scored: CapabilitiesScored | None
    gaps: Gaps | None
    documents: dict[str, bytes]
    reports: dict[str, bytes]
    manifest: AuditManifest | None
    seconds: dict[str, float]


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


def run_stages(request: Request, last: str, tell: Callable[[str], None] = lambda stage: None) -> Audit:
    """Audits ``request.tree`` up to the stage ``last`` (``S1`` to ``S7``); ``tell`` hears each as it begins.

    Reads the tree and writes nothing. Raises CodexError for a tree that cannot be listed or that changes
    meanwhile.
    """
    with _without_collection():
        return _run_stages(request, last, tell)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Facts are trees without cycles, and there may be millions: looking through them for garbage takes a third of
    the time and finds none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _run_stages(request: Request, last: str, tell: Callable[[str], None]) -> Audit:
    wanted = frozenset(STAGES[: STAGES.index(last) + 1])
    watch, workflow = Watch(tell), request.workflow
    listing = watch.run(
        "S1", lambda: index_tree(request.tree, request.output, exclude=workflow.exclude, jobs=request.jobs)
    )
    index = listing.index
    documents = {"context_index": artifact_bytes(index)}
    inputs = audit_inputs(workflow, index)
    results = _results(request, listing, wanted, watch, results_key(inputs, documents["context_index"]))
    made = (results.facets, results.raw, results.scored, results.gaps)
    documents |= {
        name: artifact_bytes(value)
        for name, value in zip(ARTIFACTS[1:], made, strict=True)
        if value is not None
    }
    manifest = None
    if "S7" in wanted:
        manifest = watch.run("S7", lambda: make_manifest(inputs, documents, results.reports))
    return Audit(index, *made, documents, results.reports, manifest, watch.seconds)


def _results(request: Request, listing: Listing, wanted: frozenset[str], watch: Watch, key: bytes) -> Results:
    """S2 to S6, as far as ``wanted``; whole ones are remembered, and recalled by whoever wants as much."""
    whole = "S6" in wanted
    known = recall(request.store, key) if request.store is not None and whole else None
    if known is not None:
        return known
    results = _analyse(request, listing, wanted, watch)
    if request.store is not None and whole:
        remember(request.store, key, results)
    return results


def _analyse(request: Request, listing: Listing, wanted: frozenset[str], watch: Watch) -> Results:
    workflow, catalogue, index = request.workflow, request.catalogue, listing.index
    if "S2" not in wanted:
        return Results()
    reading = watch.run(
        "S2",
        lambda: read_facets(
            listing, lambda: load_vocabulary(catalogue), jobs=request.jobs, store=request.store
        ),
    )
    facets = reading.facets
    if "S3" not in wanted:
        return Results(facets)
    raw = watch.run("S3", lambda: _answers(request, listing, reading))
    if "S4" not in wanted:
        return Results(facets, raw)
    scored = watch.run("S4", lambda: score_capabilities(raw, catalogue, workflow.weights, workflow.threshold))
    if "S5" not in wanted:
        return Results(facets, raw, scored)
    gaps = watch.run("S5", lambda: plan_gaps(raw, scored, catalogue, index, facets))
    if "S6" not in wanted:
        return Results(facets, raw, scored, gaps)
    shown = report_input(index, facets, raw, scored, gaps, catalogue)
    reports = watch.run("S6", lambda: render_reports(shown, workflow.formats))
    return Results(facets, raw, scored, gaps, reports)


def _answers(request: Request, listing: Listing, reading: Reading) -> CapabilitiesRaw:
    workflow = request.workflow
    raw = ask_capabilities(reading, request.catalogue, workflow.disable, workflow.overrule, jobs=request.jobs)
    entries = {entry.path: entry for entry in listing.index.files}

    def text_of(path: str) -> bytes:
        entry = entries[path]
        return indexed_bytes(listing, entry) if is_text(entry) else b""

    return with_excerpts(raw, text_of)
