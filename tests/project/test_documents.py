"""README, CHANGELOG, locks and Makefile say the same as the program."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import codex_audit
from codex_audit.capabilities.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def help_of(*verb: str, program: str = "codex-audit") -> str:
    ended = subprocess.run([SCRIPTS / program, *verb, "--help"], capture_output=True, text=True, check=True)
    return ended.stdout


def locked(name: str) -> set[str]:
    return {
        canonicalize_name(found) for found in re.findall(r"^([\w.-]+)==", text(f"requirements/{name}"), re.M)
    }


def named(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def test_changelog_knows_this_version() -> None:
    versions = re.findall(r"\b(\d+\.\d+\.\d+)\b(?=, the first release|\])", text("CHANGELOG.md"))
    assert codex_audit.__version__ in versions


def test_page_of_commands_lists_every_command_and_no_other() -> None:
    documented = re.findall(r"^\| `codex-audit ([\w-]+)", text("docs/commands.md"), re.M)
    offered = re.findall(r"^    ([a-z][\w-]*)(?: |$)", help_of(), re.M)
    assert sorted(documented) == sorted(offered)
    rows = re.findall(r"^\| `codex-train (.+?) \|", text("docs/commands.md"), re.M)
    documented = [word for row in rows for word in re.findall(r"(?:^|`)([a-z]+)\b", row)]
    offered = re.findall(r"^    (\w+)\b", help_of(program="codex-train"), re.M)
    assert sorted(documented) == sorted(offered)


def test_every_option_in_a_page_exists() -> None:
    """Of commands that are shown and not run; the others are run by ``tests/docs``."""
    pages = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
    lines = {
        (page, line)
        for page in pages
        for block in re.findall(r"^```sh\n(.*?)^```", text(page), re.M | re.S)
        for line in re.findall(r"^codex-audit ([a-z].+?)(?:\s+#.*)?$", block, re.M)
    }
    assert lines
    known: dict[str, str] = {}
    for page, line in sorted(lines):
        verb, *words = line.split()
        offered = known.setdefault(verb, help_of(verb))
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert option in offered, f"{page} uses {option} with {verb}"


def test_readme_counts_the_probes() -> None:
    probes = sum(len(capability.probes) for capability in CATALOGUE)
    assert f"{probes} questions in {len(CATALOGUE)} capabilities" in " ".join(text("README.md").split())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_folders_named_in_documents_exist(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text(name)) if "://" not in link]
    places = re.findall(r"`((?:codex_\w+|schemas|requirements|tests)/[\w./]*)`", text(name))
    missing = [place for place in (*links, *places) if not (ROOT / place).exists()]
    assert missing == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_named_in_documents_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text(name), re.M)) <= targets


def test_locks_pin_every_dependency_and_the_plain_one_no_training_library() -> None:
    plain = named(PROJECT["project"]["dependencies"])
    extras = PROJECT["project"]["optional-dependencies"]
    extra = named([item for group in extras.values() for item in group])
    groups = PROJECT["dependency-groups"]
    tools = named([item for group in groups.values() for item in group if isinstance(item, str)])
    assert plain <= locked("run.txt")
    assert (plain | tools | extra) - {"torch"} <= locked("dev.txt")
    assert not (named(extras["train"]) - {"numpy"}) & locked("run.txt")


def test_torch_alone_is_pinned_without_a_hash() -> None:
    assert locked("torch.txt") == {"torch"}
    assert "torch" not in locked("dev.txt")
    for name in ("run", "dev"):
        pinned = re.findall(r"^[\w.-]+==", text(f"requirements/{name}.txt"), re.M)
        assert text(f"requirements/{name}.txt").count("--hash=sha256:") >= len(pinned)


def test_locks_agree_where_both_pin() -> None:
    run, dev = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", text(f"requirements/{name}.txt"), re.M))
        for name in ("run", "dev")
    )
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_locks_and_settings_name_no_index_and_no_folder_of_a_machine() -> None:
    listed = [
        *(ROOT / "requirements").glob("*.txt"),
        *(ROOT / name for name in ("pyproject.toml", "Makefile", ".ci/run")),
    ]
    for path in listed:
        for bad in ("index-url", "find-links ", "trusted-host ", "file:/", "/home/", "/opt/", "/root/"):
            assert bad not in re.sub(r"--no-emit-[\w-]+", "", path.read_text()), f"{bad!r} in {path.name}"
