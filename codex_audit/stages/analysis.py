"""S2 to S6: from the listing of a tree to its reports."""

from __future__ import annotations

from codex_audit.artifacts import CapabilitiesRaw
from codex_audit.stages.capabilities import ask_capabilities
from codex_audit.stages.excerpts import with_excerpts
from codex_audit.stages.facets import Reading, indexed_bytes, is_text, read_facets
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.index import Listing
from codex_audit.stages.remembered import Results
from codex_audit.stages.render import render_reports, report_input
from codex_audit.stages.request import Request, Watch
from codex_audit.stages.scoring import score_capabilities
from codex_audit.stages.vocabulary import load_vocabulary


def analyse(request: Request, listing: Listing, wanted: frozenset[str], watch: Watch) -> Results:
    """The stages S2 to S6, as far as ``wanted``."""
    workflow, catalogue, index = request.workflow, request.catalogue(), listing.index
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
    raw = ask_capabilities(
        reading, request.catalogue(), workflow.disable, workflow.overrule, jobs=request.jobs
    )
    entries = {entry.path: entry for entry in listing.index.files}

    def text_of(path: str) -> bytes:
        entry = entries[path]
        return indexed_bytes(listing, entry) if is_text(entry) else b""

    return with_excerpts(raw, text_of)
