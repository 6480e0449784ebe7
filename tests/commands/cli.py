"""The real command in a process of its own, small trees to audit, and forgers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import codex_audit
from codex_evidence.canonical import canonical_bytes
from codex_evidence.chain import build
from codex_evidence.digests import sha256_hex

PACKAGE_ROOT = Path(codex_audit.__file__).parent.parent
ARTIFACTS = ("context_index", "facets", "capabilities_raw", "capabilities_scored", "gaps")
MANIFEST = "audit_artifacts/audit_run_manifest.json"

TRAIN = '''\
"""Trains a small model."""

import argparse

import torch


def train(seed: int, path: str) -> None:
    torch.manual_seed(seed)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(3):
        loss = model(torch.ones(1, 2)).sum()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--path", default="model.pt")
    arguments = parser.parse_args()
    train(arguments.seed, arguments.path)


if __name__ == "__main__":
    main()
'''


def command(
    *arguments: object,
    package: Path = PACKAGE_ROOT,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """``codex-audit`` as it lies under ``package``; ``before`` runs in the new process."""
    environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
    environment |= {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "codex_audit", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd or Path(os.sep),
        preexec_fn=before,
        check=False,
        timeout=120,
    )


def audited(tree: Path, *arguments: object, **more: Any) -> dict[str, Any]:
    """Audits ``tree`` and returns the summary that the command prints."""
    done = command("run", tree, "--format", "json", *arguments, **more)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def write_tree(folder: Path) -> Path:
    """A small tree that trains something."""
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "__init__.py").write_text("")
    (folder / "pkg" / "train.py").write_text(TRAIN)
    (folder / "README.md").write_text("# Example\n\nRun `python -m pkg.train`.\n")
    return folder


def copy_of_package(folder: Path) -> Path:
    """A copy of the installed program that a test may change."""
    for name in ("codex_audit", "codex_evidence", "schemas", "templates"):
        if (PACKAGE_ROOT / name).is_dir():
            shutil.copytree(PACKAGE_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of every file below ``folder``."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    """Rewrites the JSON file ``path`` in canonical bytes after ``change``."""
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(canonical_bytes(value))


def raise_scores(folder: Path) -> None:
    """Makes every score of the audit under ``folder`` look good."""

    def change(scored: Any) -> None:
        scored["score"] = scored["high"] = 0.99
        for item in scored["capabilities"]:
            item["score"] = item["high"] = 0.99
            item["status"] = "implemented"

    edit_json(folder / "audit_artifacts" / "capabilities_scored.json", change)


def recompute_chain(folder: Path, *, head: bool) -> str:
    """Makes the manifest fit the files again: digests, sizes, links and, if asked, the head. Returns that."""
    record = json.loads((folder / "audit_artifacts" / "audit_run_record.json").read_bytes())

    def item(link: dict[str, Any]) -> tuple[str, str, int]:
        kind, _, name = link["role"].partition(":")
        if kind == "input":
            return link["role"], link["sha256"], link["size"]
        place = f"audit_artifacts/{name}.json" if kind == "artifact" else record["reports"][link["role"]]
        data = (folder / place).read_bytes()
        return link["role"], sha256_hex(data), len(data)

    def change(manifest: Any) -> None:
        chain = build(item(link) for link in manifest["chain"])
        manifest["chain"] = [
            {name: getattr(link, name) for name in ("sequence", "role", "sha256", "size", "previous", "link")}
            for link in chain
        ]
        if head:
            manifest["head"] = chain[-1].link

    edit_json(folder / MANIFEST, change)
    new_head: str = json.loads((folder / MANIFEST).read_bytes())["head"]
    return new_head
