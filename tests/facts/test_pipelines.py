"""What pipelines, hooks and container recipes run, at the line where it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codex_audit.facts.ci import ci_system, read_ci
from codex_audit.facts.docker import read_docker
from codex_audit.facts.hooks import read_hooks
from codex_audit.facts.model import CiFacts
from codex_audit.facts.source import ReadError


def ci(path: str, text: str) -> CiFacts:
    return read_ci(text.encode(), path)


def runs(facts: CiFacts) -> list[tuple[str, str, int]]:
    return [(step.job, step.run, step.line) for step in facts.steps if step.run]


def uses(facts: CiFacts) -> list[tuple[str, int]]:
    return [(step.uses, step.line) for step in facts.steps if step.uses]


def test_github_workflow() -> None:
    facts = ci(
        ".github/workflows/ci.yml",
        r"""on:
  push: {branches: [main]}
  pull_request:
defaults: {run: {shell: bash}}
jobs:
  test:
    steps:
      - uses: actions/checkout@v4
        with: {run: no}
      - name: Unit tests
        run: |
          pip install . \
            --upgrade
          # a comment

          pytest
      - run: >-
          twine
          check
      - if: false
        run: never
  off:
    if: ${{ false }}
    steps: [{run: never}]
  shared:
    uses: ./.github/workflows/x.yml
""",
    )
    assert facts.triggers == ("push", "pull_request")
    assert runs(facts) == [
        ("test", "pip install . --upgrade", 12),
        ("test", "pytest", 16),
        ("test", "twine check", 18),
    ]
    assert uses(facts) == [("actions/checkout@v4", 8), ("./.github/workflows/x.yml", 26)]
    assert {step.name for step in facts.steps} == {"", "Unit tests"}


def test_github_steps_and_workflows_are_given_commands() -> None:
    facts = ci(
        ".github/workflows/ci.yml",
        """\
jobs:
  retried:
    steps:
      - uses: nick-fields/retry@v3
        with: {timeout_minutes: 5, command: bash tests/run.sh}
      - uses: actions/github-script@v7
        with: {script: make test}
  shared:
    uses: ./.github/workflows/job.yml
    with:
      script: |
        pip install .
        pytest
""",
    )
    assert runs(facts) == [
        ("retried", "bash tests/run.sh", 5),
        ("shared", "pip install .", 12),
        ("shared", "pytest", 13),
    ]


@pytest.mark.parametrize("on", ["on: push", "on: [push]", "'on':\n  push:\n", "on:\n- push\n"])
def test_github_triggers_in_every_spelling(on: str) -> None:
    assert ci(".github/workflows/ci.yml", on + "\n").triggers == ("push",)


def test_gitlab_jobs_templates_and_includes() -> None:
    facts = ci(
        ".gitlab-ci.yml",
        """include:
  - template: Security/SAST.gitlab-ci.yml
.base: &base
  before_script: [pip install .]
test:
  <<: *base
  script:
    - pytest
    - |
      one
      two
""",
    )
    assert uses(facts) == [("Security/SAST.gitlab-ci.yml", 2)]
    assert runs(facts) == [
        (".base", "pip install .", 4),
        ("test", "pytest", 8),
        ("test", "one", 10),
        ("test", "two", 11),
    ]


def test_circleci_orbs_and_steps() -> None:
    facts = ci(
        ".circleci/config.yml",
        """orbs: {codecov: codecov/codecov@3}
jobs:
  build:
    steps:
      - checkout
      - run: pip install .
      - run: {name: T, command: pytest}
      - codecov/upload: {file: x, flags: y}
      - when: {steps: [{run: later}]}
""",
    )
    assert uses(facts) == [("codecov/codecov@3", 1), ("checkout", 5), ("codecov/upload", 8)]
    assert runs(facts) == [("build", "pip install .", 6), ("build", "pytest", 7), ("build", "later", 9)]


def test_azure_jobs_have_their_names() -> None:
    facts = ci(
        "azure-pipelines.yml",
        """trigger: [main]
pr: none
jobs:
- job: A
  steps:
  - task: UsePythonVersion@0
  - script: |
      pytest
    displayName: T
- deployment: B
  steps: [{bash: twine upload}]
""",
    )
    assert facts.triggers == ("push",)
    assert runs(facts) == [("A", "pytest", 8), ("B", "twine upload", 11)]
    assert uses(facts) == [("UsePythonVersion@0", 6)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".buildkite/p.yml", "steps:\n- label: T\n  command: pytest\n", ("", "pytest", 3)),
        (".travis.yml", "script:\n- pytest\n", ("", "pytest", 2)),
        (".drone.yml", "name: d\nsteps:\n- image: p\n  commands: [pytest]\n", ("d", "pytest", 4)),
        (".woodpecker.yml", "steps:\n  t:\n    commands:\n    - pytest\n", ("", "pytest", 4)),
        (
            "bitbucket-pipelines.yml",
            "pipelines:\n  default:\n  - step:\n      script: [pytest]\n",
            ("default", "pytest", 4),
        ),
    ],
)
def test_the_other_systems_run_their_commands(path: str, text: str, expected: tuple[str, str, int]) -> None:
    assert runs(ci(path, text)) == [expected]


def test_jenkins_runs_what_is_no_comment_and_no_other_string() -> None:
    facts = ci(
        "Jenkinsfile",
        '''pipeline { /* sh 'no' */ stage('Test') { steps { // sh 'no'
  sh "pytest 'x'"
  sh(returnStdout: true, script: """one \\
    two""")
  echo 'sh "no"' } } }
''',
    )
    assert runs(facts) == [("Test", "pytest 'x'", 2), ("Test", "one two", 3)]


def test_make_recipes_stand_under_their_targets() -> None:
    facts = ci(
        "Makefile",
        "URL := http://x\ntest: dep ; first\n\t@pytest \\\n\t  -q\n# c: d\n\t# no\n.PHONY: test\nlint::\n\t-ruff .\n",
    )
    assert runs(facts) == [("test", "first", 2), ("test", "pytest -q", 3), ("lint", "ruff .", 9)]


def test_tox_in_both_formats() -> None:
    ini = ci(
        "tox.ini",
        "[testenv]\ndeps = x\ncommands =\n  pytest \\\n    -q\n  - flaky\n[testenv:l]\ncommands = ruff\n",
    )
    assert runs(ini) == [("testenv", "pytest -q", 4), ("testenv", "flaky", 6), ("testenv:l", "ruff", 8)]
    toml = ci("tox.toml", '[env_run_base]\ncommands = [["pytest", "-q"],\n ["x"]]\n')
    assert runs(toml) == [("env_run_base", "pytest -q", 2), ("env_run_base", "x", 3)]


def test_a_file_that_only_resembles_a_pipeline_is_none() -> None:
    assert ci_system("docs/github/workflows/ci.yml") == ""
    assert ci_system("x/.gitlab-ci.yml.bak") == ""


@pytest.mark.parametrize("text", ["jobs: [", "jobs:\n- a: b: c\n", "jobs: " + "[" * 100_000])
def test_a_broken_workflow_is_refused(text: str) -> None:
    with pytest.raises(ReadError):
        ci(".github/workflows/ci.yml", text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Jenkinsfile", "sh '" * 100_000),
        ("Jenkinsfile", 'sh """' * 100_000),
        ("Jenkinsfile", "sh(" * 100_000),
        ("Jenkinsfile", "sh " + " " * 300_000),
        ("Makefile", "a" * 100_000 + " " * 100_000),
        ("Makefile", "a:\n\tb\n" * 50_000),
    ],
)
def test_scanning_takes_linear_time(path: str, text: str) -> None:
    begun = time.process_time()
    ci(path, text)
    assert time.process_time() - begun < 5


def test_hooks_name_their_repository() -> None:
    text = """repos:
- repo: https://github.com/astral-sh/ruff-pre-commit
  rev: v1
  hooks:
  - id: ruff
    args: [--fix]
  - {id: ruff-format}
- repo: local
  hooks: []
"""
    facts = read_hooks(text.encode(), ".pre-commit-config.yaml")
    assert [tuple(hook) for hook in facts.hooks] == [
        ("https://github.com/astral-sh/ruff-pre-commit", "ruff", 5),
        ("https://github.com/astral-sh/ruff-pre-commit", "ruff-format", 7),
    ]


def test_dockerfile_instructions_and_here_documents() -> None:
    text = """# syntax=docker/dockerfile:1
FROM python:3.12 AS base
run pip install \\
    # why
    torch
RUN <<EOF
pip install numpy
EOF
ENTRYPOINT ["train"]
"""
    facts = read_docker(text.encode(), "Dockerfile")
    assert [(item.name, item.line) for item in facts.instructions] == [
        ("FROM", 2),
        ("RUN", 3),
        ("RUN", 6),
        ("RUN", 7),
        ("ENTRYPOINT", 9),
    ]
    assert facts.instructions[1].value.split() == ["pip", "install", "torch"]
    assert facts.instructions[3].value == "pip install numpy"


def test_a_file_that_only_has_the_name_is_no_dockerfile() -> None:
    with pytest.raises(ReadError, match="no FROM"):
        read_docker(b"notes about images\n", "Dockerfile")


def test_reading_a_dockerfile_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read_docker(b"FROM x\n", "Dockerfile")
    assert list(tmp_path.iterdir()) == []
