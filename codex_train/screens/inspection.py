"""What a run folder holds, as one document and as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from codex_evidence.names import shown
from codex_evidence.plain import to_plain
from codex_evidence.runs import CheckpointEntry, RunReport
from codex_train.screens.figures import evaluation_text
from codex_train.screens.folder import RunView, SegmentView, Steps
from codex_train.screens.text import figure

_MOST_ROWS = 20


def inspection(run: RunView, steps: Steps, report: RunReport | None) -> dict[str, Any]:
    """Everything about ``run`` as plain data; ``report`` is None when the folder was not verified."""
    last, count = run.last, len(steps.losses)
    return {
        "folder": str(run.folder),
        "run": run.id,
        "name": run.name,
        "status": last.manifest.status,
        "segments": [_segment(segment) for segment in run.segments],
        "steps": {
            "first": steps.first if count else None,
            "last": steps.last if count else None,
            "first_loss": steps.losses[0] if count else None,
            "last_loss": steps.losses[-1] if count else None,
        },
        "config": dict(last.config),
        "environment": dict(last.environment),
        "data": dict(last.data),
        "model": dict(last.model),
        "checkpoints": [to_plain(entry) for entry in checkpoints_of(run)],
        "metrics": [dict(one) for one in steps.evaluations],
        "notes": list(steps.notes),
        "verified": None
        if report is None
        else {"findings": to_plain(report.findings), "notes": list(report.notes), "head": report.head},
    }


def checkpoints_of(run: RunView) -> list[CheckpointEntry]:
    """The newest entry of each checkpoint, in order of step."""
    newest = {entry.path: entry for segment in run.segments for entry in segment.manifest.checkpoints}
    return sorted(newest.values(), key=lambda entry: entry.step)


def _segment(segment: SegmentView) -> dict[str, Any]:
    manifest: dict[str, Any] = to_plain(segment.manifest)
    left_out = {"schema", "run", "name", "checkpoints", "genesis", "self_sha256"}
    return {key: value for key, value in manifest.items() if key not in left_out}


def inspection_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document of ``inspection`` for people."""
    yield f"run          {document['name']} ({document['run'][:12]}), {document['status']}"
    for segment in document["segments"]:
        yield from _segment_lines(segment)
    steps = document["steps"]
    if steps["last"] is not None:
        losses = f"loss {steps['first_loss']:.4f} -> {steps['last_loss']:.4f}"
        yield f"steps        {steps['first']}-{steps['last']}, {losses}"
    yield from _environment_lines(document["environment"])
    for file in document["model"]["files"]:
        yield f"model        {shown(file['path'])}, {file['size']:,} bytes, sha256 {file['sha256'][:12]}"
    yield from _data_lines(document["data"])
    for entry in document["checkpoints"]:
        kept = "kept" if entry["kept"] else "removed"
        yield f"checkpoint   {entry['path']}  {kept}  state {entry['state_digest'][:12]}"
    yield from _metric_lines(document["metrics"])
    yield from (f"note         {note}" for note in document["notes"])
    yield from _verified_lines(document["verified"])


def _segment_lines(segment: Mapping[str, Any]) -> Iterator[str]:
    summed, parent = segment["steps"], segment["parent"]
    steps = f"steps {summed['first']}-{summed['last']}" if summed else "not closed"
    ended = segment["ended"] or "?"
    yield f"segment {segment['segment']} {segment['status']}, {steps}, {segment['started']} to {ended}"
    if segment["reason"]:
        yield f"             {segment['reason']}"
    if parent:
        whence = parent["checkpoint"] or "the beginning"
        let = f", although these differed: {', '.join(parent['overrides'])}" if parent["overrides"] else ""
        yield f"             went on from {whence} (step {parent['step']} of segment {parent['segment']}){let}"
    if segment["packages_verified"] is not None:
        faults = segment["packages_verified"]
        yield f"packages     {'; '.join(faults) if faults else 'every file is the one that was installed'}"


def _environment_lines(environment: Mapping[str, Any]) -> Iterator[str]:
    known, detail = environment["class"], environment["detail"]
    torch, cuda = known["torch"], known["cuda"]
    if torch:
        yield (
            f"environment  torch {torch['version']}, {torch['cpu_capability']}, {torch['threads']} threads, "
            f"{known['world_size']} processes, {detail['python']}, {detail['cpu']}"
        )
    if cuda:
        yield f"gpu          {', '.join(device['name'] for device in cuda['devices'])}, CUDA {cuda['runtime']}"
    for name, value in sorted(known["variables"].items()):
        yield f"             {name}={value}"
    code = detail["code"]
    if code:
        yield f"code         {code['commit'][:12]}{' with changes' if code['dirty'] else ''}, tree {code['tree'][:12]}"
    yield from (f"note         {note}" for note in detail["notes"])


def _data_lines(data: Mapping[str, Any]) -> Iterator[str]:
    files = data["files"]
    size = sum(file["size"] for file in files)
    yield f"data         {len(files)} files, {size:,} bytes, {data['documents']:,} documents"
    for name in ("train", "validation"):
        part = data[name]
        if part:
            yield f"  {name:<11}{part['samples']:,} samples of {data['context']} tokens, sha256 {part['sha256'][:12]}"


def _metric_lines(metrics: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(metrics) > _MOST_ROWS:
        yield f"             the last {_MOST_ROWS} of {len(metrics)} evaluations; --format json has all"
    for one in metrics[-_MOST_ROWS:]:
        yield f"validation   step {figure(one['step'], ',')}  {evaluation_text(one)}"


def _verified_lines(verified: Mapping[str, Any] | None) -> Iterator[str]:
    if verified is None:
        yield "verified     no, as asked"
        return
    yield from (f"note         {note}" for note in verified["notes"])
    for finding in verified["findings"]:
        yield f"FAULT        {finding['file']}: {finding['reason']}"
    yield "verified     " + (f"{len(verified['findings'])} faults" if verified["findings"] else "no fault")
