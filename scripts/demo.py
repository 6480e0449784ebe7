"""Audit this repository and one foreign training library, and print where the reports are.

The foreign tree is the source distribution pinned in ``requirements/demo-tree.txt``. Reading its
metadata makes pip run the build backend of that archive; codex-audit itself runs nothing of it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
PINNED = ROOT / "requirements" / "demo-tree.txt"
CODEX_AUDIT = Path(sys.executable).with_name("codex-audit")


def fetch(folder: Path) -> None:
    """Download the pinned source distribution into ``folder``; pip checks its hash."""
    command = ["-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, *command, "--requirement", str(PINNED), "--dest", str(folder)],
        cwd=ROOT,
        check=True,
    )


def unpack(folder: Path) -> Path:
    """The top folder of the one archive in ``folder``, unpacked beside it."""
    (archive,) = folder.glob("*.tar.gz")
    tree = folder / archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    return tree


def audit(tree: Path, output: Path) -> Path:
    """Audit ``tree`` into ``output``, verify what was written, and return the Markdown report."""
    print(f"\n== codex-audit run {tree.relative_to(ROOT)} --output {output.relative_to(ROOT)}", flush=True)
    subprocess.run([CODEX_AUDIT, "run", str(tree), "--output", str(output)], cwd=ROOT, check=True)
    subprocess.run([CODEX_AUDIT, "verify", str(output), "--tree", str(tree)], cwd=ROOT, check=True)
    (report,) = (output / "reports").glob("capability_matrix_*.md")
    return report


def demo() -> None:
    """Both audits, from nothing: what an earlier demo left is removed first."""
    if DEMO.exists():
        shutil.rmtree(DEMO)
    downloads = DEMO / "downloads"
    downloads.mkdir(parents=True)
    fetch(downloads)
    foreign = unpack(downloads)
    reports = [audit(ROOT, DEMO / "this-repository"), audit(foreign, DEMO / foreign.name)]
    print("\nThe reports:")
    for report in reports:
        print(f"  {report.relative_to(ROOT)}")


def main() -> int:
    """Run the demo, or with ``--download-to`` only fetch what it needs."""
    parser = argparse.ArgumentParser(description="Audit this repository and one foreign training library.")
    parser.add_argument("--download-to", type=Path, metavar="DIR", help="only fetch the foreign tree")
    arguments = parser.parse_args()
    try:
        if arguments.download_to:
            fetch(arguments.download_to.absolute())
        else:
            demo()
    except subprocess.CalledProcessError as error:
        print(f"demo: a step ended with exit code {error.returncode}; its output is above", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
