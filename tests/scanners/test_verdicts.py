"""What a release asks of a scan."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from codex_audit.scanners.verdicts import (
    is_allowed,
    licence_verdicts,
    open_findings,
    silent,
    wrote_sbom,
)
from tests.scanners.scanning import scan, write

ALLOW = ("MIT", "Apache-2.0", "BSD-2-Clause")
METADATA = "Metadata-Version: 2.4\nName: {}\nVersion: 1\nLicense-Expression: {}\n"


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("GPL-3.0-only OR MIT AND LicenseRef-x", False),
        ("Apache-2.0 WITH LLVM-exception AND BSD-2-Clause", True),
        ("Apache-2.0+", True),
        ("(MIT", False),
        ("MIT MIT", False),
        ("OR", False),
        ("MIT License, see the file", False),
    ],
)
def test_an_expression_is_allowed_when_one_may_choose_allowed_licences(
    expression: str, allowed: bool
) -> None:
    assert is_allowed(expression, ALLOW) is allowed


def test_findings_licences_and_the_bill_of_materials_of_a_scan(tmp_path: Path) -> None:
    packages = {"good": "MIT", "bad": "AGPL-3.0-only", "odd": "AGPL-3.0-only"}
    site = {f"{name}-1.dist-info/METADATA": METADATA.format(name, said) for name, said in packages.items()}
    write(tmp_path / "site", site)
    names = "good==1\nbad==1\nodd==1\nlost==1\n"
    tree = write(
        tmp_path / "tree",
        {
            "requirements.txt": names,
            "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy",
            "answer.py": "print(eval(input()))  # codex: allow B307 until 2030-01-31 because it is a calculator\n",
        },
    )
    options = ("--only", "bandit", "--only", "licences", "--only", "sbom", "--packages", tmp_path / "site")
    results = scan(tree, tmp_path / "out", *options).results
    found = licence_verdicts(results, ALLOW, {"odd": "only its command is called"})
    assert {one.name: one.verdict for one in found} == {
        "bad": "forbidden",
        "good": "allowed",
        "lost": "unknown",
        "odd": "allowed",
    }
    assert [one.reason for one in found if one.reason] == ["only its command is called"]
    assert "B307" not in {one.rule for _, one in open_findings(results, date(2030, 1, 31))}
    after = open_findings(results, date(2030, 2, 1), "medium")
    assert ("bandit", "B307") in {(report.scanner, one.rule) for report, one in after}
    assert {one.severity for _, one in after} <= {"medium", "high", "critical"}
    assert wrote_sbom(results)
    assert [report.scanner for report in silent(results)] == ["secrets", "vulnerabilities"]
    assert not wrote_sbom(scan(tree, tmp_path / "other", "--only", "bandit").results)
