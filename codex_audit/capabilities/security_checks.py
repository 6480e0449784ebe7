"""The checks behind the security probes."""

from __future__ import annotations

import re

from codex_audit.facts.model import Function
from codex_audit.query.found import Found, fails, holds_by_absence
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.tree import Tree

LEAST_PROSE = 8
SECRET_SCANNERS = (
    r"detect-secrets|gitleaks|trufflehog|git-secrets|detect-private-key|"
    r"ggshield|gitguardian|talisman|secretlint"
)
ANALYSERS = (
    r"\bbandit\b|semgrep|opengrep|codeql|coverity|snyk\s+code|sonarqube|sonarcloud|ossar|\bzizmor\b|"
    r"\bcheckov\b|\bkics\b|\btfsec\b|devskim|\bdlint\b"
)
AUDITORS = (
    r"pip-audit|\bsafety\s+(check|scan)\b|osv-scanner|"
    r"\bsnyk\b|dependency-review-action|renovate|dependabot|trivy|grype"
)
SBOM = r"cyclonedx|spdx-sbom|\bsyft\b|sbom|anchore/sbom-action|\btrivy\b.*cyclonedx"
MODERATORS = (
    "openai.OpenAI().moderations.create",
    "*.moderations.create",
    "better_profanity.profanity.*",
    "profanity_check.*",
    "detoxify.Detoxify",
    "nemoguardrails.*",
    "guardrails.*",
    "llm_guard.*",
    "presidio_analyzer.AnalyzerEngine",
    "presidio_anonymizer.AnonymizerEngine",
    "alt_profanity_check.*",
)
_FILTER = re.compile(
    r"(^|_)(safety_checker|content_filter|filter_content|moderat(e|ion|or)|toxicity_filter|"
    r"profanity_filter|nsfw_filter|"
    r"blocklist|deny_?list|guardrails?|prompt_filter|safety_filter|filter_toxic\w*)($|_)"
)
_CONTENT = re.compile(
    r"text|prompt|content|message|output|response|image|completion|conversation|answer|question"
)


def policy(tree: Tree) -> Found:
    return tree.file(
        "/security.md",
        "/security.rst",
        "/security.txt",
        "/security",
        ".github/security.md",
        "docs/security.md",
        "docs/security.rst",
        where=lambda file: file.doc is None or file.doc.prose >= LEAST_PROSE,
        why="tells how to report a vulnerability",
    ).where(
        lambda item: not tree.by_path[item.path].blank,
        "the file is empty",
    ) | tree.headings(
        r"report\w*.{0,20}(vulnerabilit|security)|^security\s+(policy|disclosure|issues?$)|"
        r"vulnerability\s+(disclosure|report)",
        least_words=20,
    )


def secret_scan(tree: Tree) -> Found:
    return (
        tree.hooks(SECRET_SCANNERS)
        | tree.steps(run=SECRET_SCANNERS, uses=SECRET_SCANNERS, why="scans for secrets")
        | tree.file(
            "/.gitleaks.toml",
            "/.secrets.baseline",
            "/.gitguardian.yaml",
            "/.gitguardian.yml",
            why="configures a secret scanner",
        )
    )


def static_analysis(tree: Tree) -> Found:
    return (
        tree.hooks(ANALYSERS)
        | tree.steps(run=ANALYSERS, uses=ANALYSERS, why="analyses security")
        | tree.settings("/pyproject.toml", r"tool\.bandit(\..*)?")
        | tree.settings("/setup.cfg /tox.ini", r"bandit\b.*")
        | tree.file(
            "/.bandit",
            "/bandit.yaml",
            "/bandit.yml",
            "/.semgrep.yml",
            ".semgrep/*",
            why="configures a security analyser",
        )
        | tree.settings(
            "/pyproject.toml",
            r"tool\.ruff\.(lint\.)?(extend-)?select(\[\d+\])?",
            r"^(S|S\d+|ALL)$",
            why="selects ruff's S rules",
        )
        | tree.settings(
            "/ruff.toml /.ruff.toml",
            r"(lint\.)?(extend-)?select(\[\d+\])?",
            r"^(S|S\d+|ALL)$",
            why="selects ruff's S rules",
        )
    )


def dependency_audit(tree: Tree) -> Found:
    return (
        tree.file(
            ".github/dependabot.yml",
            ".github/dependabot.yaml",
            "/renovate.json",
            "/renovate.json5",
            ".github/renovate.json",
            ".github/renovate.json5",
            "/.renovaterc",
            "/.renovaterc.json",
            "/.pyup.yml",
            "/.snyk",
            "/osv-scanner.toml",
            why="watches dependencies",
        )
        | tree.steps(run=AUDITORS, uses=AUDITORS, why="audits dependencies")
        | tree.hooks(r"pip-audit|\bsafety\b|osv-scanner")
    )


def sbom(tree: Tree) -> Found:
    return tree.steps(run=SBOM, uses=SBOM, why="writes a bill of materials") | tree.file(
        "*.cdx.json", "bom.json", "*.spdx.json", "sbom.json", "sbom.xml", "*.spdx", why="a bill of materials"
    )


def clean_tree(tree: Tree) -> Found:
    environments = [
        tree.at(file, 1, file.path, "a committed environment file", "declared")
        for file in tree.files
        if re.fullmatch(r"\.env(\.(?!example|sample|template|dist|test)\w+)?", file.path.rpartition("/")[2])
        and not file.facets & {"test", "vendored"}
    ]
    secrets = [
        tree.at(file, secret.line, secret.kind, f"looks like a live {secret.kind}", "declared")
        for file in tree.files
        if not file.facets & {"test", "vendored"}
        for secret in file.secrets
    ]
    looked_for = (".env files", "live-looking keys")
    if environments or secrets:
        return fails("a secret or an environment file is committed", [*environments, *secrets], looked_for)
    return holds_by_absence("no .env file and no live-looking key is in the tree", looked_for)


def _screens_content(module: Module, function: Function) -> bool:
    """A function named for screening that takes what is to be screened."""
    takes = any(_CONTENT.search(item.name.lower()) for item in function.parameters)
    return takes and bool(_FILTER.search(last(function.name).lower())) and not function.stub


def content_filter(tree: Tree) -> Found:
    return (
        tree.calls(*MODERATORS, why="screens content with {}")
        | tree.functions(
            _screens_content,
            why="screens content in {}",
            looked_for="a content filter",
        )
        | tree.options(
            "safety_checker",
            "content_filter",
            "moderation",
            "toxicity_threshold",
            "safe_mode",
            "guardrails",
            kinds=("flag", "field"),
        )
        | tree.texts(
            r"(?i)^(KoalaAI/Text-Moderation|meta-llama/Llama-?Guard.*|unitary/toxic-bert|google/shieldgemma.*)$",
            "argument",
            "assigned",
            why="loads the safety classifier {!r}",
        )
    )
