"""The checks behind the security probes."""

from __future__ import annotations

import re

from packaging.specifiers import SpecifierSet

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import Function
from codex_audit.query.found import Found, fails, holds_by_absence, ordered
from codex_audit.query.modules import Module
from codex_audit.query.patterns import last
from codex_audit.query.sites import Site
from codex_audit.query.tree import Tree

LEAST_PROSE = 8
SECRET_SCANNERS = (
    r"detect-secrets|gitleaks|trufflehog|git-secrets|detect-private-key|"
    r"ggshield|gitguardian|talisman|secretlint"
)
ANALYSERS = r"\bbandit\b|semgrep|codeql|coverity|snyk\s+code|sonarqube|sonarcloud|ossar"
AUDITORS = (
    r"pip-audit|\bsafety\s+(check|scan)\b|osv-scanner|"
    r"\bsnyk\b|dependency-review-action|renovate|dependabot|trivy|grype"
)
SBOM = r"cyclonedx|spdx-sbom|\bsyft\b|sbom|anchore/sbom-action|\btrivy\b.*cyclonedx"
UNSAFE = (
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "cPickle.load",
    "cloudpickle.load",
    "dill.load",
    "joblib.load",
    "pandas.read_pickle",
    "shelve.open",
    "marshal.load",
    "yaml.unsafe_load",
    "yaml.full_load",
)
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
        lambda item: bool(tree.by_path[item.path].doc or tree.by_path[item.path].excerpts),
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


def safe_load(tree: Tree) -> Found:
    unsafe = [*_unsafe_pickles(tree), *_unsafe_torch(tree), *_unsafe_yaml(tree), *_unsafe_numpy(tree)]
    looked_for = (
        *UNSAFE,
        "torch.load without weights_only",
        "yaml.load without a safe loader",
        "numpy.load(allow_pickle=True)",
    )
    if unsafe:
        return fails(f"{unsafe[0].path}:{unsafe[0].line} {unsafe[0].why}", unsafe, looked_for)
    safe = tree.calls(
        "yaml.safe_load",
        "safetensors.*.load_file",
        "safetensors.*.load_model",
        "safetensors.safe_open",
        why="loads safely with {}",
    ) | tree.calls("torch.load", where=_weights_only, why="loads weights only")
    return (
        Found(
            evidence=safe.evidence,
            holds=True,
            looked_for=looked_for,
            reason="every load of a serialized file is safe",
        )
        if safe
        else holds_by_absence("nothing loads a serialized file that could run code", looked_for)
    )


def _unsafe(tree: Tree, sites: list[Site], why: str) -> list[Evidence]:
    return [
        tree.at(site.module.file, site.line, site.target, why.format(site.target), "called", site.scope)
        for site in sites
        if not site.module.file.facets & {"test", "vendored", "generated", "docs"}
    ]


def _unsafe_pickles(tree: Tree) -> list[Evidence]:
    sites = [site for site in tree.call_sites(*UNSAFE) if not tree.why_not(site)]
    return list(ordered(_unsafe(tree, sites, "{} can run code of the file")))


def _weights_only(site: Site) -> bool:
    return site.argument("weights_only") == "True"


def _unsafe_torch(tree: Tree) -> list[Evidence]:
    modern = _declares_safe_torch(tree)
    sites = [
        site
        for site in tree.call_sites("torch.load", "torch.serialization.load", "lightning.Fabric().load_raw")
        if last(site.target) == "load"
        and not _weights_only(site)
        and not tree.why_not(site)
        and (site.has("weights_only") or not modern)
    ]
    return _unsafe(tree, sites, "{} without weights_only=True can run code of the file")


def _declares_safe_torch(tree: Tree) -> bool:
    """Whether every declared range of torch starts at 2.6, where weights_only became the default."""
    specifiers = [item.specifier for _, item in tree.requirements("torch") if item.specifier or item.pin]
    return bool(specifiers) and all(not _admits_old(text) for text in specifiers)


def _admits_old(specifier: str) -> bool:
    old = ("1.13.1", "2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.5.1")
    return any(SpecifierSet(specifier).contains(version) for version in old)


def _unsafe_yaml(tree: Tree) -> list[Evidence]:
    sites = [
        site
        for site in tree.call_sites("yaml.load", "yaml.load_all")
        if not tree.why_not(site)
        and "safe" not in (site.argument("Loader") + site.argument("", 1)).lower()
        and last(site.argument("Loader") or site.argument("", 1))
        not in ("CSafeLoader", "BaseLoader", "CBaseLoader")
    ]
    return _unsafe(tree, sites, "{} without a safe loader can run code of the file")


def _unsafe_numpy(tree: Tree) -> list[Evidence]:
    sites = [
        site
        for site in tree.call_sites("numpy.load")
        if site.argument("allow_pickle") == "True" and not tree.why_not(site)
    ]
    return _unsafe(tree, sites, "{} with allow_pickle can run code of the file")


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
