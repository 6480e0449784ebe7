"""Trees that promise everything in words and hold nothing that does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_audit.capabilities.catalogue import probes
from tests.commands.cli import audited
from tests.hostile.answers import BY_ABSENCE, EVERY, verdicts, yes
from tests.hostile.programs import PROGRAMS
from tests.listing.repositories import write
from tests.query.trees import tree_of

WORDS = " ".join(
    sorted({word for probe in probes() for word in f"{probe.ask} {probe.counts}".replace(",", " ").split()})
)
DOCSTRING = '"""' + WORDS.replace('"', "") + '"""'
NAMES = (
    "tokenizer",
    "trainer",
    "checkpoint_manager",
    "evaluate",
    "wandb_logger",
    "lora",
    "seed_everything",
    "registry",
    "data_validation",
    "metrics_writer",
)
# Files that would answer a probe if they held anything.
PLACEHOLDERS = """
    SECURITY.md .github/SECURITY.md CHANGELOG.md HISTORY.md NEWS CHANGES.rst CONTRIBUTING.md README.md LICENSE LICENSE.md
    CODE_OF_CONDUCT.md pyproject.toml setup.py setup.cfg requirements.txt requirements.lock environment.yml .python-version
    uv.lock poetry.lock pdm.lock
    Dockerfile Makefile tox.ini noxfile.py mypy.ini ruff.toml .flake8 .pylintrc .coveragerc pytest.ini
    .pre-commit-config.yaml lefthook.yml .github/workflows/ci.yml .github/workflows/release.yml .github/dependabot.yml
    .gitlab-ci.yml .circleci/config.yml azure-pipelines.yml .gitleaks.toml .semgrep.yml
    mkdocs.yml docs/conf.py docs/index.md docs/models.md docs/data.md docs/training.md docs/how-to-add-a-model.md
    examples/train.py configs/train.yaml configs/sweep.yaml conf/config.yaml dvc.yaml
    tests/test_training.py tests/test_model.py tests/test_data.py tests/conftest.py
    pkg/__init__.py pkg/__main__.py pkg/registry.py pkg/plugins/__init__.py pkg/train.py pkg/tokenizer.py
""".split()
STRINGS = [
    "torch.save",
    "AutoTokenizer.from_pretrained",
    "wandb.init",
    "torch.manual_seed",
    "Trainer().train()",
    "peft.LoraConfig",
    "torch.use_deterministic_algorithms(True)",
    "clip_grad_norm_",
    "sha256",
]


def test_comments_docstrings_and_file_names_prove_nothing() -> None:
    body = f"{DOCSTRING}\n# {WORDS}\n"
    sources = {
        f"pkg/{name}.py": f"{body}def {name}():\n    {DOCSTRING}\n    # {WORDS}\n    return None\n\n\n{name}()\n"
        for name in NAMES
    }
    assert yes({"pkg/__init__.py": DOCSTRING, **sources}) == set()


def test_prose_proves_nothing() -> None:
    prose = f"# All of it\n\n{WORDS}\n\nTODO: save the optimizer, clip gradients, seed NumPy, and sign releases.\n"
    assert (
        yes({"main.py": "print(1)\n", "README.md": prose, "docs/design.md": prose, "notes.txt": prose})
        == set()
    )


def test_tests_that_only_promise_prove_nothing() -> None:
    names = ("tokenizer", "model", "training", "evaluation", "checkpoint", "data")
    tests = {
        f"tests/test_{name}.py": f"def test_{name}():\n    {DOCSTRING}\n\n\ndef test_{name}_again():\n    pass\n"
        for name in names
    }
    assert yes({"main.py": "print(1)\n", **tests}) == set()


@pytest.mark.parametrize(
    "code",
    [
        f"NAMES = {STRINGS!r}\n\n\ndef show():\n    print(NAMES)\n\n\nshow()\n",
        f"HELP = {{name: name for name in {STRINGS!r}}}\nprint(HELP['torch.save'], sorted(HELP))\n",
        f"__all__ = {STRINGS!r}\n\n\ndef names() -> {STRINGS[4]!r}:\n    return __all__\n\n\nnames()\n",
        "import logging\n\nprint('saves with torch.save, then trainer.train() and wandb.init(config=config)')\n",
    ],
)
def test_strings_with_the_right_names_prove_nothing(code: str) -> None:
    assert yes({"pkg/__init__.py": "", "pkg/names.py": code}) == set()


@pytest.mark.parametrize(
    "body",
    ["...", "pass", "raise NotImplementedError", 'raise NotImplementedError("later")', '"""Trains."""'],
)
def test_stubs_prove_nothing(body: str) -> None:
    methods = ("train", "validation_step", "save_checkpoint", "evaluate", "perplexity")
    functions = ("compute_accuracy", "clip_gradients", "get_lr", "bleu_score", "lr_lambda")
    code = ["import torch", "", "", "class Trainer:"]
    code += [
        f"    def {name}(self, metrics, max_grad_norm=1.0, fp16=False):\n        {body}\n" for name in methods
    ]
    code += [f"\ndef {name}(gradients, resume_from_checkpoint=None):\n    {body}\n" for name in functions]
    exports = f"from pkg.stubs import Trainer, {', '.join(functions)}\n"
    assert yes({"pkg/__init__.py": exports, "pkg/stubs.py": "\n".join(code)}) == set()


@pytest.mark.parametrize("content", ["", "\n\n", "# {}\n", "# TODO: write {}\n"])
def test_placeholder_files_are_no_files(content: str) -> None:
    assert yes({path: content.format(path) for path in PLACEHOLDERS} | {"main.py": "print(1)\n"}) == set()


def test_the_same_files_with_content_count() -> None:
    files = {
        "SECURITY.md": "# Security\n\nReport a vulnerability by mail to security@example.org; we answer in two days.\n",
        "CHANGELOG.md": "# Changes\n\n## 1.0\n\n- Trains on several devices, and saves the optimizer with the weights.\n- Reads settings from YAML.\n",
        "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy.\n",
        "mypy.ini": "[mypy]\n",
        ".python-version": "3.11\n",
        ".github/dependabot.yml": "version: 2\nupdates: []\n",
    }
    assert yes(files | {"main.py": "print(1)\n"}) == {
        "security.policy",
        "docs.changelog",
        "docs.license",
        "ci.types",
        "reproducibility.declared-python",
        "security.dependency-audit",
    }


@pytest.mark.parametrize(
    "folder", ["third_party/lm", "vendor", "pkg/_vendor", "extern", "3rdparty", "submodules"]
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_vendored_programs_prove_nothing(name: str, folder: str) -> None:
    copied = {f"{folder}/{path}": text for path, text in PROGRAMS[name].items()}
    assert yes({**copied, "main.py": "print(1)\n"}) == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_generated_programs_prove_nothing(name: str) -> None:
    assert (
        yes({path: f"# Generated by a tool. DO NOT EDIT.\n{text}" for path, text in PROGRAMS[name].items()})
        == set()
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_lies_in_the_tests_is_a_test(name: str) -> None:
    moved = {f"tests/{path}": text for path, text in PROGRAMS[name].items()}
    checks = "\n\n".join(f"def test_{number}():\n    assert {number} + 1 > {number}" for number in range(3))
    tree = tree_of({**moved, "tests/test_it.py": f"{checks}\n"})
    found = verdicts(tree)
    assert {probe for probe, verdict in found.items() if verdict == "yes"} == {"ci.tests"}
    assert {found[probe] for probe in BY_ABSENCE} == {"not_applicable"}


def test_an_empty_tree_has_no_yes_at_all() -> None:
    found = verdicts(tree_of({}))
    assert set(found) == EVERY
    assert set(found.values()) <= {"no", "not_applicable"}


def statuses(folder: Path, files: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """The status of each capability and the answer of each probe, as the command writes them."""
    write(folder, files)
    folder.mkdir(exist_ok=True)
    audited(folder)
    scored = json.loads((folder / "audit_artifacts" / "capabilities_scored.json").read_bytes())
    raw = json.loads((folder / "audit_artifacts" / "capabilities_raw.json").read_bytes())
    answers = {probe["id"]: probe for capability in raw["capabilities"] for probe in capability["probes"]}
    return {item["id"]: item["status"] for item in scored["capabilities"]}, answers


@pytest.mark.parametrize(
    "files",
    [
        {"data.csv": "a,b\n1,2\n", "notes.txt": WORDS},
        {
            "pkg/__init__.py": DOCSTRING,
            "pkg/train.py": f"{DOCSTRING}\n# {WORDS}\n",
            "SECURITY.md": "# Security\n",
        },
    ],
    ids=["data", "promises"],
)
def test_without_code_every_capability_is_absent(tmp_path: Path, files: dict[str, str]) -> None:
    found, answers = statuses(tmp_path / "tree", files)
    assert set(found.values()) == {"absent"}
    assert {answers[probe]["verdict"] for probe in BY_ABSENCE} == {"not_applicable"}


def test_a_yes_by_absence_needs_code_and_lifts_no_status(tmp_path: Path) -> None:
    found, answers = statuses(tmp_path / "tree", {"main.py": "print(1)\n"})
    assert {answers[probe]["verdict"] for probe in BY_ABSENCE} == {"yes"}
    assert set(found.values()) == {"absent"}
