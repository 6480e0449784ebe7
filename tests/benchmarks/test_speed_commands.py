"""The speed benchmarks from end to end on a tiny tree. How long anything took is not asserted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import Cost, Memory
from benchmarks.speed import COMPARED, LINES, WARM, Found, report
from tests.commands.cli import PACKAGE_ROOT, snapshot, write_tree


def benchmark(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)],
        cwd=PACKAGE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_speed_measures_every_pair_checks_the_verdicts_and_leaves_the_tree_alone(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "demo")
    (tree / "pkg" / "other.py").write_text("from pkg.train import train\n")
    before = snapshot(tree)
    document = tmp_path / "measured.md"
    done = benchmark("speed", tree, "--repeat", 1, "--write", document)
    assert done.returncode == 0, done.stderr
    for name, other, _ in COMPARED:
        assert re.search(rf"^\| {name} +\| +\d+\.\d{{3}} \| +{other} \| +\d+\.\d{{3}} \|", done.stdout, re.M)
    assert "pkg/train.py, which 1 of 3 Python files import" in done.stdout
    assert done.stdout.count("its verdicts are those of a run without cache") == 1 + len(LINES)
    assert re.search(r"versions: Python [\d.]+, codex-audit [\d.]+, ruff [\d.]+", done.stdout)
    assert done.stdout.strip() in document.read_text()
    assert snapshot(tree) == before


def test_scaling_measures_every_size_and_the_growth_between_them(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "demo")
    document = tmp_path / "measured.md"
    document.write_text("# Measured\n")
    done = benchmark("scaling", tree, "--sizes", 12, 4, "--repeat", 1, "--write", document)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^\| (\d+) +\|", done.stdout, re.M) == ["4", "12"]
    assert re.search(r"^\| audit, no cache +\| +-?\d+\.\d\d \| +-?\d+\.\d\d \|$", done.stdout, re.M)
    assert document.read_text().startswith("# Measured\n")
    assert done.stdout.strip() in document.read_text()


def test_a_ratio_above_its_aim_and_verdicts_that_differ_are_named() -> None:
    costs = {name: [Cost(2.0, 1.0)] for pair in COMPARED for name in pair[:2]}
    costs[WARM] = [Cost(90.0, 1.0), Cost(40.0, 1.0)]
    text = "\n".join(report(Found(costs, {WARM: Memory(2_000_000, 3_000_000, 4)}, {WARM: False}, "a.py")))
    assert re.search(
        r"\| audit, warm +\| +40\.000 \| +ruff E9, warm \| +2\.000 \| 20\.00 \| 15 \(missed\) \|", text
    )
    assert text.count("(missed)") == 1
    assert re.search(r"\| audit, warm +\| 40\.000 \| +65\.000 \| +90\.000 \| +1\.000 \| +2 \|", text)
    assert re.search(r"\| audit, warm +\| +2 \| +3 \| +4 \|", text)
    assert "audit, warm: its verdicts ARE NOT those" in text
