"""The texts of files that mends add. What stands between ``@`` is filled in from the tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file, the probes that it turns to yes, and what the tree must have for it: ``pytest``, ``package``."""

    path: str
    probes: tuple[str, ...]
    text: str
    risk: str
    check: str
    needs: tuple[str, ...] = ()


_SECURITY = """\
# Security policy

## Supported versions

The latest release gets security fixes.

## Report a vulnerability

Do not open a public issue. Use the private reporting form of this repository (Security, then "Report a vulnerability"),
and say which version is affected, how to reproduce it and what an attacker gains.

We confirm a report within five working days, agree on a date of disclosure and name the reporter if they wish.
"""

_DEPENDENCIES = """\
name: dependency-audit
on:
  push:
    branches: [main]
  pull_request:
  schedule:
    - cron: "17 5 * * 1"
permissions:
  contents: read
jobs:
  audit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "@PYTHON@"
      - run: python -m pip install . pip-audit
      - run: pip-audit
"""

_TESTS = """\
name: tests
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
jobs:
  tests:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "@PYTHON@"
      - run: python -m pip install @INSTALL@
      - run: python -m pytest
"""

_CHANGELOG = """\
# Changelog

What users notice, newest first, in the form of Keep a Changelog; versions follow semantic versioning.

## Unreleased

### Added

- This changelog.
"""

_CONTRIBUTING = """\
# Contributing to @PROJECT@

## Set up

Install the project in an environment of its own with `python -m pip install --editable .`, and `pytest` beside it.

## Before a pull request

- Run `python -m pytest`; a change of behaviour comes with a test that fails without it.
- Keep a pull request to one change, and say in it what a user will notice.
- Note the change in the changelog.
"""

_DOCKER = """\
FROM python:@PYTHON@-slim
RUN useradd --create-home app
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir .
USER app
@START@"""

NEW_FILES = (
    NewFile(
        "SECURITY.md",
        ("security.policy",),
        _SECURITY,
        "Somebody has to read the reports and keep the promised days.",
        "open the file and change what your team cannot promise",
    ),
    NewFile(
        ".github/workflows/dependency-audit.yml",
        ("security.dependency-audit",),
        _DEPENDENCIES,
        "A new advisory turns the job red without a change of yours.",
        "run the workflow once by hand",
        ("package",),
    ),
)
TESTS_WORKFLOW = NewFile(
    ".github/workflows/tests.yml",
    ("ci.pipeline",),
    _TESTS,
    "Tests that need an accelerator, a network or an extra fail there until they are marked.",
    "run the workflow on a branch",
    ("pytest", "package"),
)
CHANGELOG = NewFile(
    "CHANGELOG.md",
    ("docs.changelog",),
    _CHANGELOG,
    "A changelog that nobody keeps misleads; make it part of review.",
    "name it in the contributing guide",
)
CONTRIBUTING = NewFile(
    "CONTRIBUTING.md",
    ("docs.contributing",),
    _CONTRIBUTING,
    "None for the code; the guide must stay true.",
    "let a newcomer follow it",
    ("pytest", "package"),
)
DOCKERFILE = NewFile(
    "Dockerfile",
    ("deployment.container",),
    _DOCKER,
    "The image installs without accelerator builds; choose another base where one is needed.",
    "docker build . and docker run with --help",
    ("package",),
)
