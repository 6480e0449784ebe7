"""CI and tests: what is checked at every change."""

from __future__ import annotations

import re

from codex_audit.capabilities.model import Capability, Probe, Remedy
from codex_audit.facts.model import CiFacts, Step
from codex_audit.query.found import Found
from codex_audit.query.tree import Tree

_RUNS_TESTS = (
    r"\b(pytest|py\.test|tox|nox|unittest|nosetests|nose2|trial|ctest)\b|\bmake\s+\S*(test|check)\S*|"
    r"\b(hatch|pdm|poetry|uv|pixi|rye|just|invoke|inv)\s+(run\s+)?\S*\s*(test|cov)\S*|"
    r"\bmanage\.py\s+test\b|npm\s+(run\s+)?test|\bbazel\s+test\b|\bpython3?\s+(-\w\s+)*(\S+/)?tests?[/.]\S+"
)
# What a step starts: a file of the tree that is named after running tests ("scripts to rule them all").
_STARTS = re.compile(
    r"(?:^|&&|;|\|\|)\s*(?:\w+=\S*\s+)*(?:(?:bash|sh|source|\.)\s+(?:-\w+\s+)*)?(?:\./)?([\w.-]+(?:/[\w.-]+)*)"
)
_TEST_SCRIPT = re.compile(
    r"(?:run|ci|all|unit|integration|cpu|gpu|_|-)*tests?(?:[_-]\w+)?(?:\.(?:sh|bash|py|ps1|bat))?"
)
_LINTERS = r"\b(ruff|flake8|pylint|black|isort|autopep8|yapf|pycodestyle|pyflakes|blue|pydocstyle)\b"
_CHECKERS = r"\b(mypy|pyright|basedpyright|pyrefly|pytype|pyre|ty\s+check)\b"
_COVERAGE = r"--cov\b|\bcoverage\s+(run|report|xml|html)\b|codecov|coveralls"
_PROJECT = "/pyproject.toml /setup.cfg /tox.ini /tox.toml"
FEWEST_TESTS = 3


def tests(tree: Tree) -> Found:
    found = tree.tests_where(lambda module, name: True, why="asserts something")
    if len(found.evidence) >= FEWEST_TESTS:
        return found.because(f"{len(found.evidence)} test functions assert something")
    return found.as_near(
        f"only {len(found.evidence)} test functions assert something; {FEWEST_TESTS} are asked for"
    )


def pipeline(tree: Tree) -> Found:
    def starts_a_script(_: CiFacts, step: Step) -> bool:
        return any(
            path in tree.by_path and _TEST_SCRIPT.fullmatch(path.rpartition("/")[2])
            for path in _STARTS.findall(step.run)
        )

    return tree.steps(
        run=_RUNS_TESTS, uses=r"tox|pytest|nox", hosted=True, where=_not_install, why="runs the tests in CI"
    ) | tree.steps(run=r"tests?", hosted=True, where=starts_a_script, why="runs a script of tests in CI")


def _not_install(facts: CiFacts, step: Step) -> bool:
    first = step.run.strip().split("&&")[-1]
    words = first.split()
    return not (
        any(word in ("install", "add") for word in words)
        and any(word in ("pip", "pip3", "uv", "conda") for word in words)
    )


def coverage(tree: Tree) -> Found:
    configured = (
        tree.settings(
            _PROJECT,
            r"tool\.coverage\..*|coverage:.*|(run|report|html|xml)\.(source|branch|omit|fail_under).*",
        )
        | tree.settings(_PROJECT, r".*(addopts|commands|scripts).*", r"--cov\b|\bcoverage\s+run")
        | tree.settings(
            "/.coveragerc /codecov.yml /.codecov.yml codecov.yaml", r".+", why="configures coverage"
        )
        | tree.settings("/pytest.ini", r".*addopts.*", r"--cov\b")
        | tree.steps(run=_COVERAGE, uses=r"codecov|coveralls", where=_not_install, why="measures coverage")
        | tree.calls(
            "*.run", where=lambda site: "noxfile" in site.module.path and "--cov" in str(site.arguments)
        )
    )
    return configured | tree.requires("pytest-cov", "coverage").as_near("required, but not configured")


def lint(tree: Tree) -> Found:
    return (
        tree.settings(_PROJECT, r"tool\.(ruff|black|isort|pylint|flake8|yapf|autopep8|pycodestyle)(\..*)?")
        | tree.settings("/setup.cfg /tox.ini", r"(flake8|isort|pycodestyle|pylint|yapf|tool:isort|pep8)\b.*")
        | tree.file(
            "/.flake8", "/ruff.toml", "/.ruff.toml", "/.pylintrc", "/pylintrc", "/.isort.cfg", "/.style.yapf"
        )
        | tree.hooks(_LINTERS)
        | tree.steps(
            run=_LINTERS, uses=r"ruff|black|flake8|super-linter", where=_not_install, why="lints the code"
        )
    )


def types(tree: Tree) -> Found:
    return (
        tree.settings(_PROJECT, r"tool\.(mypy|pyright|basedpyright|pyrefly|pytype|pyre|ty)(\..*)?")
        | tree.settings("/setup.cfg /tox.ini", r"(mypy|pytype)\b.*")
        | tree.file(
            "/mypy.ini",
            "/.mypy.ini",
            "/pyrightconfig.json",
            "/pyrefly.toml",
            "/ty.toml",
            "/.pyre_configuration",
        )
        | tree.hooks(_CHECKERS)
        | tree.steps(run=_CHECKERS, uses=r"pyright|mypy", where=_not_install, why="checks types")
    )


def hooks(tree: Tree) -> Found:
    return (
        tree.hooks(r".", why="configures the hook")
        | tree.file(
            "/lefthook.yml", "/.lefthook.yml", "/.husky/pre-commit", "/prek.toml", why="configures hooks"
        )
        | tree.settings("/package.json", r"(husky|lint-staged|simple-git-hooks)\..*")
    )


CAPABILITY = Capability(
    id="ci",
    title="CI and tests",
    summary="Every change is tested, linted and typed before it lands.",
    probes=(
        Probe(
            id="ci.tests",
            ask="Has an automated test suite",
            motivation="Behaviour that no test asserts changes without anybody noticing.",
            counts="at least three test functions that assert something",
            excludes="tests that are always skipped or assert nothing",
            risk="A change breaks training and is found weeks later by its results.",
            remedy=Remedy(
                text="Add tests of the smallest real parts: a forward pass, a step, a checkpoint's round trip.",
                effort="hours",
                touches=("file:tests/test_*.py", "new:tests/test_{package}.py"),
            ),
            rollback="Delete the test files.",
            references=("https://doi.org/10.1109/BigData.2017.8258038",),
            check=tests,
            component="tests",
            core=True,
        ),
        Probe(
            id="ci.pipeline",
            ask="A CI pipeline runs the tests",
            motivation="Tests that run only on a laptop are run when it suits.",
            counts="a GitHub Actions, GitLab CI, CircleCI, Azure, Jenkins or Buildkite file that runs the tests",
            excludes="a badge, a pipeline that only lints or publishes",
            risk="A broken change is merged because nobody ran the suite.",
            remedy=Remedy(
                text="Add a workflow that installs the project and runs its tests on every push.",
                effort="minutes",
                touches=(
                    "file:.github/workflows/*test*",
                    "file:.gitlab-ci.yml",
                    "new:.github/workflows/tests.yml",
                ),
            ),
            rollback="Delete the workflow file.",
            references=("https://baseline.openssf.org/#osps-qa-06",),
            check=pipeline,
            core=True,
        ),
        Probe(
            id="ci.coverage",
            ask="Coverage is measured",
            motivation="Coverage shows which code no test has ever run.",
            counts="pytest-cov or coverage configured in CI, tox, nox or project configuration",
            excludes="entries of .gitignore, a dependency that nothing configures or runs",
            risk="Nobody knows which half of the training code is untested.",
            remedy=Remedy(
                text="Configure coverage in pyproject.toml and run the tests with --cov.",
                effort="minutes",
                touches=("file:pyproject.toml", "file:setup.cfg", "new:.coveragerc"),
            ),
            rollback="Remove the table and the option.",
            references=("https://coverage.readthedocs.io/en/latest/config.html",),
            check=coverage,
        ),
        Probe(
            id="ci.lint",
            ask="A linter or formatter is configured",
            motivation="A linter finds undefined names and unused code before a run does.",
            counts="ruff, flake8, pylint, black or isort in project configuration, hooks or CI",
            excludes="a style named in prose",
            risk="Trivial defects reach long runs and fail hours in.",
            remedy=Remedy(
                text="Configure ruff in pyproject.toml and run it in CI.",
                effort="minutes",
                touches=("file:pyproject.toml", "file:setup.cfg", "new:ruff.toml"),
            ),
            rollback="Remove the table.",
            references=("https://docs.astral.sh/ruff/configuration/",),
            check=lint,
        ),
        Probe(
            id="ci.types",
            ask="Static type checking is configured",
            motivation="Types catch wrong shapes of configuration and data before a run starts.",
            counts="mypy, pyright, pyrefly, pytype or ty in configuration or a CI step",
            excludes="a py.typed file alone",
            risk="A renamed field fails only in the branch that a long run reaches at its end.",
            remedy=Remedy(
                text="Configure mypy for the package and run it in CI.",
                effort="hours",
                touches=("file:pyproject.toml", "file:setup.cfg", "new:mypy.ini"),
            ),
            rollback="Remove the table and the step.",
            references=("https://mypy.readthedocs.io/en/stable/config_file.html",),
            check=types,
            component="safeguards",
        ),
        Probe(
            id="ci.hooks",
            ask="Pre-commit hooks are configured",
            motivation="A hook answers in a second what CI answers in ten minutes.",
            counts=".pre-commit-config.yaml or another hook manager's file with at least one hook",
            excludes="pre-commit as a dependency, without a configuration",
            risk="Reviews are spent on what a hook would have refused.",
            remedy=Remedy(
                text="Add .pre-commit-config.yaml with the linters that CI runs.",
                effort="minutes",
                touches=("new:.pre-commit-config.yaml",),
            ),
            rollback="Delete the file.",
            references=("https://pre-commit.com/",),
            check=hooks,
            component="safeguards",
        ),
    ),
)
