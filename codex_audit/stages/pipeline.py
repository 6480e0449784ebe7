"""S1 to S7 in order, in memory: the tree goes in, all that an audit will write comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from codex_audit.artifacts import (
    AuditManifest,
    CapabilitiesRaw,
    CapabilitiesScored,
    ContextIndex,
    Facets,
    Gaps,
)
from codex_audit.collection import without_collection
from codex_audit.scanners.read import NO_SCANS, Scans, read_scans
from codex_audit.stages.index import Listing
from codex_audit.stages.inputs import Input, audit_inputs
from codex_audit.stages.manifest import make_manifest
from codex_audit.stages.places import ARTIFACTS
from codex_audit.stages.remembered import Results, Whole, keys_of, recall
from codex_audit.stages.request import Request, Watch
from codex_audit.stages.stamps import index_again
from codex_audit.workflow.settings import STAGES
from codex_evidence.documents import artifact_bytes

if TYPE_CHECKING:
    from codex_audit.scanners.model import ScanResults


@dataclass(frozen=True)
class Audit:
    """What the stages made of the ``inputs``, None for those that did not run; ``chained`` is whether S7 did.
    ``index_document`` are the bytes of the index, ``reports`` those of the reports by format; ``scans`` is what was
    known of scans of this tree and of what it was before."""

    inputs: dict[str, Input]
    index: ContextIndex
    index_document: bytes
    facets: Facets | None
    raw: CapabilitiesRaw | None
    scored: CapabilitiesScored | None
    gaps: Gaps | None
    reports: dict[str, bytes]
    seconds: dict[str, float]
    scans: Scans
    chained: bool

    @property
    def scan(self) -> ScanResults | None:
        """What scanners found in this tree, None where no scan fits it."""
        return self.scans.fitting

    @cached_property
    def documents(self) -> dict[str, bytes]:
        """The bytes of the artifacts by name, in stage order. A gate never asks for them."""
        made = (self.facets, self.raw, self.scored, self.gaps)
        return {ARTIFACTS[0]: self.index_document} | {
            name: artifact_bytes(value)
            for name, value in zip(ARTIFACTS[1:], made, strict=True)
            if value is not None
        }

    @cached_property
    def manifest(self) -> AuditManifest | None:
        """The chain over all of it, None without S7."""
        return make_manifest(self.inputs, self.documents, self.reports) if self.chained else None


def run_stages(request: Request, last: str, tell: Callable[[str], None] = lambda stage: None) -> Audit:
    """Audits ``request.tree`` up to the stage ``last`` (``S1`` to ``S7``); ``tell`` hears each as it begins.

    Reads the tree and writes nothing. Raises CodexError for a tree that cannot be listed or that changes
    meanwhile.
    """
    with without_collection():
        return _run_stages(request, last, tell)


def _run_stages(request: Request, last: str, tell: Callable[[str], None]) -> Audit:
    wanted = frozenset(STAGES[: STAGES.index(last) + 1])
    watch, workflow = Watch(tell), request.workflow
    listing = watch.run("S1", lambda: _indexed(request))
    index = listing.index
    if request.store is not None:
        request.store.join()  # before the scan is read: what a later one finds must not be kept
    scans = read_scans((request.output, request.tree), index, request.today)
    request = replace(request, scan=scans.fitting)
    inputs = audit_inputs(workflow, index, scans)
    document = artifact_bytes(index)
    keys = keys_of(request.tree, inputs, document)
    store = request.store if "S6" in wanted else None
    results: Results | Whole | None = recall(store, keys) if store is not None else None
    if results is None:
        # This loads all readers, which takes longer than recalling what they said.
        from codex_audit.stages.results import results_of

        results = results_of(request, _hiding(listing, scans), wanted, watch, keys)
    made = (results.facets, results.raw, results.scored, results.gaps)
    audit = Audit(
        inputs, index, document, *made, results.reports, watch.seconds, scans, chained="S7" in wanted
    )
    if audit.chained:
        watch.run("S7", lambda: audit.manifest)
    return audit


def _indexed(request: Request) -> Listing:
    store = request.store if request.by_stamp else None
    exclude = request.workflow.exclude
    return index_again(request.tree, request.output, exclude=exclude, jobs=request.jobs, store=store)


def _hiding(listing: Listing, scans: Scans) -> Listing:
    """``listing`` with what readers may not see."""
    if scans == NO_SCANS:
        return listing
    from codex_audit.stages.hiding import hiding

    return hiding(listing, scans)
