"""S2 to S6, remembered: where a few lines have changed since the last audit, only what can follow from them."""

from __future__ import annotations

from dataclasses import replace

from codex_audit.cache.store import Store
from codex_audit.facts.packed import pack
from codex_audit.stages.choice import chosen_alike
from codex_audit.stages.edits import State, edited, load_state, moves, save_state, with_moved_lines
from codex_audit.stages.excerpts import with_excerpts
from codex_audit.stages.hiding import quotable
from codex_audit.stages.index import Listing
from codex_audit.stages.remembered import Keys, Results, Whole, recall_last, remember
from codex_audit.stages.request import Request, Watch
from codex_audit.stages.runs import runs_of
from codex_audit.stages.work import facts_keys, work_on


def results_of(
    request: Request, listing: Listing, wanted: frozenset[str], watch: Watch, keys: Keys
) -> Results | Whole:
    """S2 to S6, as far as ``wanted``: of the last results if no probe can see what has changed since, else anew. Those
    with reports are remembered."""
    store = request.store
    if store is None or "S6" not in wanted:
        return _anew(request, listing, wanted, watch, keys)[0]
    last = watch.run("S2", lambda: _moved(listing, store, keys))
    if last is not None:
        old, new, state = last
        results = _planned(request, listing, watch, new) if new.raw != old.raw else new
        if not request.reports:
            return replace(results, reports={})
        results = _rendered(request, listing, watch, results, state)
        remember(store, keys, results)
        save_state(store, keys.results, state)
        return results
    made, begun = _anew(request, listing, wanted, watch, keys)
    if isinstance(made, Whole) and begun is not None:
        remember(store, keys, made)
        save_state(store, keys.results, begun)
    return made


def _anew(
    request: Request, listing: Listing, wanted: frozenset[str], watch: Watch, keys: Keys
) -> tuple[Results | Whole, State | None]:
    # Here every probe is loaded.
    from codex_audit.stages.analysis import analyse, state_of

    analysis = analyse(request, listing, wanted, watch)
    state = state_of(analysis, request, listing) if request.store is not None else None
    return analysis.results, state


def _moved(listing: Listing, store: Store, keys: Keys) -> tuple[Whole, Whole, State] | None:
    """The last results, the same with evidence where it is now, and the state after that; None when a probe could see
    more."""
    last = recall_last(store, keys)
    state = load_state(store, last[0]) if last is not None else None
    changed = edited(state, listing.index) if state is not None else None
    if last is None or state is None or not changed:
        return None
    old = last[1]
    work, entries = work_on(listing), {entry.path: entry for entry in listing.index.files}
    if not chosen_alike(state.choice, work, [entries[path] for path in changed]):
        return None
    facts = {path: work.facts(entries[path]) for path in changed}
    how = moves(state, old.raw, store, changed, facts.__getitem__)
    if how is None:
        return None
    raw = with_moved_lines(old.raw, how)
    raw = with_excerpts(raw, lambda path: quotable(listing, entries[path]), only=changed)
    read = dict(facts_keys(work, [entries[path] for path in changed]))
    store.put({read[path]: pack(facts[path]) for path in changed})
    files = {entry.path: entry.sha256 for entry in listing.index.files}
    lines = {
        path: tuple((how[path].line(one), how[path].line(other)) for one, other in state.asked.get(path, ()))
        for path in changed
    }
    after = replace(state, files=files, read=state.read | read, asked=state.asked | lines)
    return old, replace(old, raw=raw), after


def _planned(request: Request, listing: Listing, watch: Watch, results: Whole) -> Whole:
    """S4 and S5."""
    # They load every probe.
    from codex_audit.stages.gaps import plan_gaps
    from codex_audit.stages.scoring import score_capabilities

    workflow, catalogue, raw = request.workflow, request.catalogue(), results.raw
    scored = watch.run("S4", lambda: score_capabilities(raw, catalogue, workflow.weights, workflow.threshold))
    gaps = watch.run("S5", lambda: plan_gaps(raw, scored, catalogue, listing.index, results.facets))
    return replace(results, scored=scored, gaps=gaps)


def _rendered(request: Request, listing: Listing, watch: Watch, made: Whole, state: State) -> Whole:
    """S6."""
    # The engine of the templates takes longer to load than a gate to follow an edit.
    from codex_audit.stages.render import render_reports, report_input

    shown = report_input(
        listing.index,
        made.facets,
        made.raw,
        made.scored,
        made.gaps,
        state.words,
        request.scan,
        runs_of(listing),
    )
    return replace(made, reports=watch.run("S6", lambda: render_reports(shown, request.workflow.formats)))
