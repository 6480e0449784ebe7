"""All that is known of a tree, and how it is found out: the stages in memory, the facts behind them, and git."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilitiesScored,
    Evidence,
    Facets,
    Gaps,
    PatchStep,
    ProbeAnswer,
)
from codex_audit.capabilities.model import Capability, Probe
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree
from codex_audit.scanners.read import read_scans
from codex_audit.stages.analysis import analyse
from codex_audit.stages.hiding import hiding
from codex_audit.stages.index import Listing, index_tree
from codex_audit.stages.remembered import Whole
from codex_audit.stages.request import Request, Watch
from codex_audit.status.ground import Ground
from codex_audit.status.history import recent_changes
from codex_audit.status.model import Changes, Citation
from codex_audit.status.reading import whole_facts
from codex_audit.status.sdist import unshipped
from codex_audit.status.sources import Sources
from codex_audit.workflow.settings import STAGES, Workflow
from codex_evidence.digests import tree_sha256
from codex_evidence.errors import CodexError


class StatusError(CodexError):
    """The stages did not come as far as a status update needs."""

    exit_code = 3


@dataclass(frozen=True)
class Known:
    """``notes`` say what was passed over on the way."""

    facets: Facets
    raw: CapabilitiesRaw
    scored: CapabilitiesScored
    gaps: Gaps
    ground: Ground
    sources: Sources
    changes: Changes
    catalogue: tuple[Capability, ...]
    workflow: Workflow
    notes: tuple[str, ...]

    @cached_property
    def answers(self) -> dict[str, ProbeAnswer]:
        return {answer.id: answer for item in self.raw.capabilities for answer in item.probes}

    @cached_property
    def probes(self) -> dict[str, Probe]:
        return {probe.id: probe for capability in self.catalogue for probe in capability.probes}

    @cached_property
    def steps(self) -> dict[str, PatchStep]:
        """What the plans of all gaps say, by probe."""
        return {step.probe: step for plan in self.gaps.plans for step in plan.patch_plan}

    @cached_property
    def unshipped(self) -> frozenset[str]:
        """The probes whose *no* says nothing because the tree is a source distribution."""
        return unshipped(self.ground.index, self.answers)

    @cached_property
    def release(self) -> str:
        """The version that the tree declares for itself in clear; empty when it declares none."""
        for row in self.sources.lines("PKG-INFO")[:20]:
            if row.startswith("Version: "):
                return row.removeprefix("Version: ").strip()
        file = self.ground.tree.by_path.get("pyproject.toml")
        items = file.settings.settings if file is not None and file.settings is not None else ()
        return next(
            (item.value for item in items if item.key in ("project.version", "tool.poetry.version")), ""
        )

    @cached_property
    def project(self) -> str:
        """The name that the tree declares for itself; empty when it declares none."""
        if self.facets.project:
            return self.facets.project
        setup = self.ground.tree.by_path.get("setup.py")
        for call in setup.python.calls if setup is not None and setup.python is not None else ():
            if call.target.rpartition(".")[2] == "setup":
                return next((one.value.strip("'") for one in call.arguments if one.name == "name"), "")
        return ""

    def counted(self, probe: str) -> str:
        """The verdict that counts."""
        return self.answers[probe].counted

    def cite(self, item: Evidence) -> Citation:
        return self.sources.checked(Citation(item.path, item.line, item.symbol), item.scope)


def find_out(
    request: Request,
    notes: tuple[str, ...] = (),
    own: frozenset[str] = frozenset(),
    tell: Callable[[str], None] = lambda stage: None,
) -> Known:
    """Runs S1 to S5 on the tree in memory and keeps the facts; the paths ``own`` are no part of it. Reads the tree and
    writes nothing there; raises CodexError for a tree that cannot be listed or that changes meanwhile."""
    request = replace(request, workflow=replace(request.workflow, formats=()))
    watch = Watch(tell)
    whole = watch.run(
        "S1", lambda: index_tree(request.tree, None, exclude=request.workflow.exclude, jobs=request.jobs)
    )
    if request.store is not None:
        request.store.join()  # before the scan is read: what a later one finds must not be kept
    scans = read_scans((request.output, request.tree), whole.index, request.today)
    request = replace(request, scan=scans.fitting)
    listing = hiding(_without(whole, own), scans)
    analysis = analyse(request, listing, frozenset(STAGES[:6]), watch)
    results, reading = analysis.results, analysis.reading
    if reading is None or not isinstance(results, Whole):
        raise StatusError("the audit ended before its gaps; this is a bug")
    git = listing.index.view == "git"
    files = watch.run("facts", lambda: whole_facts(listing, reading, request.jobs, request.store))
    return Known(
        facets=results.facets,
        raw=results.raw,
        scored=results.scored,
        gaps=results.gaps,
        ground=Ground(
            Tree(files, load_defaults(), reading.mentioned),
            listing.index,
            _tracked(listing) if git else None,
        ),
        sources=Sources(listing),
        changes=recent_changes(listing.root) if git else Changes(reason="the folder is in no git repository"),
        catalogue=request.catalogue(),
        workflow=request.workflow,
        notes=(*notes, *(listing.index.notes if git else ())),
    )


def _without(listing: Listing, own: frozenset[str]) -> Listing:
    """The listing without the paths ``own``."""
    kept = [place for place, entry in enumerate(listing.index.files) if entry.path not in own]
    if len(kept) == len(listing.index.files):
        return listing
    files = tuple(listing.index.files[place] for place in kept)
    digest = tree_sha256((entry.path, entry.mode, entry.sha256) for entry in files)
    return Listing(
        root=listing.root,
        index=replace(listing.index, files=files, tree_sha256=digest),
        raw_paths=tuple(listing.raw_paths[place] for place in kept),
        object_ids=tuple(listing.object_ids[place] for place in kept),
    )


def _tracked(listing: Listing) -> frozenset[str]:
    """The paths of git's index."""
    pairs = zip(listing.index.files, listing.object_ids, strict=True)
    return frozenset(entry.path for entry, object_id in pairs if object_id)
