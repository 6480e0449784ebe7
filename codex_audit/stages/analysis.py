"""S2 to S6: from the listing of a tree to its reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from codex_audit.artifacts import CapabilitiesRaw
from codex_audit.capabilities.ask import Distance
from codex_audit.query.mentions import names_of_module
from codex_audit.stages.capabilities import ask_capabilities
from codex_audit.stages.edits import State, shape_of
from codex_audit.stages.excerpts import with_excerpts
from codex_audit.stages.facets import Reading, read_facets
from codex_audit.stages.found_secrets import with_found
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.hiding import quotable
from codex_audit.stages.index import Listing
from codex_audit.stages.remembered import Results, Whole
from codex_audit.stages.render import render_reports, report_input, words_of
from codex_audit.stages.request import Request, Watch
from codex_audit.stages.runs import runs_of
from codex_audit.stages.scoring import score_capabilities
from codex_audit.stages.vocabulary import Vocabulary, load_vocabulary


@dataclass(frozen=True, slots=True)
class Analysis:
    """``reading``, and ``asked`` (the distances that a probe wanted to know), make a
    state; ``vocabulary`` is loaded when somebody asks."""

    results: Results | Whole
    reading: Reading | None = None
    asked: frozenset[Distance] = frozenset()
    vocabulary: Callable[[], Vocabulary] | None = None


def analyse(request: Request, listing: Listing, wanted: frozenset[str], watch: Watch) -> Analysis:
    """The stages S2 to S6, as far as ``wanted``; whole results when that is all of them."""
    workflow, catalogue, index = request.workflow, request.catalogue(), listing.index
    vocabulary = cache(lambda: load_vocabulary(catalogue))
    if "S2" not in wanted:
        return Analysis(Results())
    reading = watch.run(
        "S2",
        lambda: read_facets(listing, vocabulary, jobs=request.jobs, store=request.store),
    )
    facets = reading.facets
    if "S3" not in wanted:
        return Analysis(Results(facets))
    raw, asked = watch.run("S3", lambda: _answers(request, listing, reading))
    if "S4" not in wanted:
        return Analysis(Results(facets, raw))
    scored = watch.run("S4", lambda: score_capabilities(raw, catalogue, workflow.weights, workflow.threshold))
    if "S5" not in wanted:
        return Analysis(Results(facets, raw, scored))
    gaps = watch.run("S5", lambda: plan_gaps(raw, scored, catalogue, index, facets))
    if "S6" not in wanted:
        return Analysis(Results(facets, raw, scored, gaps))
    shown = report_input(
        index, facets, raw, scored, gaps, words_of(catalogue), request.scan, runs_of(listing)
    )
    reports = watch.run("S6", lambda: render_reports(shown, workflow.formats))
    return Analysis(Whole(facets, raw, scored, gaps, reports), reading, asked, vocabulary)


def state_of(analysis: Analysis, request: Request, listing: Listing) -> State | None:
    """What a later audit of the same place may know of this one."""
    reading, vocabulary = analysis.reading, analysis.vocabulary
    if reading is None or vocabulary is None:
        return None
    asked: dict[str, list[tuple[int, int]]] = {}
    for path, line, other in sorted(analysis.asked):
        asked.setdefault(path, []).append((line, other))
    known = {file.path for file in reading.files if file.python is not None or file.doc is not None}
    return State(
        files={entry.path: entry.sha256 for entry in listing.index.files},
        shape=shape_of(listing.index),
        read={path: key for path, key in reading.keys.items() if path in known},
        names=frozenset(
            name
            for file in reading.files
            if file.python is not None
            for name in names_of_module(file.path, file.python)
        ),
        pieces=vocabulary().pieces,
        words=words_of(request.catalogue()),
        asked={path: tuple(distances) for path, distances in asked.items()},
        choice=reading.choice,
    )


def _answers(
    request: Request, listing: Listing, reading: Reading
) -> tuple[CapabilitiesRaw, frozenset[Distance]]:
    workflow = request.workflow
    reading = replace(reading, files=with_found(reading.files, request.scan))
    raw, asked = ask_capabilities(
        reading, request.catalogue(), workflow.disable, workflow.overrule, jobs=request.jobs
    )
    entries = {entry.path: entry for entry in listing.index.files}
    return with_excerpts(raw, lambda path: quotable(listing, entries[path])), asked
