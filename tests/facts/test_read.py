"""One file to all its facts: readers by name, isolated from each other, bounded, and with no credential in
what they say."""

from __future__ import annotations

import dataclasses
import random
import string
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import FileFacts
from codex_audit.facts.packed import pack, unpack
from codex_audit.facts.read import needs_bytes, read_file

TOKEN = "ghp_" + "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=36))  # noqa: S311 - the same letters each time


def read(path: str, data: bytes | str) -> FileFacts:
    raw = data.encode() if isinstance(data, str) else data
    return read_file(path, raw, facets_of(path, frozenset({path}), raw[:4096]), "module")


def kinds(facts: FileFacts) -> set[str]:
    names = ("python", "settings", "requirements", "docker", "ci", "hooks", "doc")
    return {name for name in names if getattr(facts, name) is not None}


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("pkg/a.py", "import os\n", {"python"}),
        ("pyproject.toml", "[project]\nname = 'x'\n", {"settings", "requirements"}),
        ("setup.py", "setup()\n", {"python", "requirements"}),
        ("setup.cfg", "[metadata]\nname = x\n", {"settings", "requirements"}),
        ("uv.lock", "version = 1\n", {"requirements"}),
        ("environment.yml", "name: x\n", {"settings", "requirements"}),
        ("requirements.txt", "x\n", {"requirements"}),
        (".github/workflows/ci.yml", "on: push\n", {"settings", "ci"}),
        (".pre-commit-config.yaml", "repos: []\n", {"settings", "hooks"}),
        ("tox.ini", "[tox]\nx = 1\n", {"settings", "ci"}),
        ("Makefile", "all:\n\ttrue\n", {"ci"}),
        ("Dockerfile", "FROM x\n", {"docker"}),
        (".devcontainer/devcontainer.json", "{}", {"settings"}),
        ("README.md", "# x\n", {"doc"}),
        ("docs/index.rst", "x\n=\n", {"doc"}),
        ("CHANGES.txt", "1.0\n---\n", {"doc"}),
        ("LICENSE", "MIT\n", {"doc"}),
        ("model.bin", "x", set()),
    ],
)
def test_the_name_of_a_file_chooses_its_readers(path: str, data: str, expected: set[str]) -> None:
    facts = read(path, data)
    assert kinds(facts) == expected
    assert facts.unread == ()
    assert needs_bytes(path, facts.facets) or not expected


@pytest.mark.parametrize("path", ["weights.bin", "logo.png", "data.parquet", "a.so"])
def test_binary_files_need_no_bytes(path: str) -> None:
    assert not needs_bytes(path, frozenset())


@pytest.mark.parametrize("path", [".env", ".env.production", "deploy/key.pem", "run.sh", ".netrc"])
def test_places_where_credentials_are_left_are_read(path: str) -> None:
    assert needs_bytes(path, frozenset())
    assert [item.kind for item in read(path, f"\nTOKEN={TOKEN}\n").secrets] == ["GitHub token"]


def test_a_file_that_does_not_parse_says_why_and_keeps_its_words() -> None:
    facts = read("pyproject.toml", "[project]\ndependencies = [\n  'Torch'\n")
    assert kinds(facts) == set()
    assert {item.reader for item in facts.unread} == {"settings", "requirements"}
    assert all("torch" in item.words and "not TOML" in item.reason for item in facts.unread)


def test_one_reader_s_failure_costs_no_other() -> None:
    facts = read("setup.py", "x = x + x\nsetup(install_requires=x)\n")
    assert kinds(facts) == {"python"}
    assert [item.reader for item in facts.unread] == ["requirements"]


def test_binary_content_under_a_text_name_has_no_facts() -> None:
    facts = read("config.yaml", b"a: 1\x00\x00")
    assert (kinds(facts), facts.unread) == (set(), ())


@pytest.mark.parametrize(("text", "blank"), [("", True), (" \n\t\n", True), ("# a word\n", False)])
def test_a_file_of_white_space_is_blank(text: str, blank: bool) -> None:
    assert read("README.md", text).blank is blank


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f'import os\ntoken = "{TOKEN}"\ncall("{TOKEN}", key="{TOKEN}", d={{"k": "{TOKEN}"}})\n'),
        ("a.yaml", f"env:\n  token: {TOKEN}\n  list: [{TOKEN}]\n"),
        ("a.json", f'{{"a": "{TOKEN}"}}'),
        ("setup.cfg", f"[a]\ntoken = {TOKEN}\n"),
        (".github/workflows/ci.yml", f"jobs: {{t: {{steps: [{{run: 'curl -H {TOKEN}'}}]}}}}"),
        ("Dockerfile", f"FROM x\nENV T={TOKEN}\n"),
        ("README.md", f"# {TOKEN}\n\n[a](https://x/{TOKEN}) `{TOKEN}`\n\n```\n{TOKEN}\n```\n"),
        ("README.rst", f"``{TOKEN}``\n\n::\n\n    {TOKEN}\n"),
        ("broken.toml", f"a = [{TOKEN}\n"),
        ("broken.py", f"def {TOKEN}(\n"),
        ("requirements.txt", f"x @ https://{TOKEN}@example.org/x.whl\n"),
        ("Makefile", f"all:\n\tcurl {TOKEN}\n"),
    ],
)
def test_no_fact_excerpt_or_word_holds_a_credential(path: str, text: str) -> None:
    facts = read(path, text)
    assert facts.secrets
    assert TOKEN.lower() not in repr(dataclasses.asdict(facts)).lower()
    assert "[redacted GitHub token]" in repr(facts) or facts.unread or path == "requirements.txt"


HOSTILE = {
    "deep JSON": ("a.json", b"[" * 100_000),
    "deep YAML": ("a.yaml", b"{a: " * 100_000),
    "deep TOML": ("a.toml", b"a = " + b"[" * 100_000),
    "deep Python": ("a.py", b"-" * 100_000 + b"1"),
    "deep setup": ("setup.py", b"setup(x=" + b"(" * 100_000),
    "escaped quotes": ("a.json", b'\\"' * 500_000),
    "a huge line": ("pyproject.toml", b'a = "' + b"x" * 900_000 + b'"'),
    "many sections": ("setup.cfg", b"".join(b"[s%d]\na=1\n" % n for n in range(20_000))),
    "many documents": ("a.yaml", b"---\n" * 200_000),
    "a large table": ("a.json", b"[1" + b",1" * 400_000 + b"]"),
    "not UTF-8": ("a.toml", b"a = '\xff\xfe'"),
    "UTF-16": ("a.yaml", "a: 1".encode("utf-16")),
    "lone surrogate": ("a.json", b'{"a": "\\ud800"}'),
    "long digits": ("a.json", b"9" * 10_000),
    "16 MB of text": ("README.md", b"word " * (3 << 20)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_end_in_bounded_time_and_never_in_an_exception(case: str) -> None:
    begun = time.process_time()
    facts = read(*HOSTILE[case])
    assert isinstance(facts, FileFacts)
    assert time.process_time() - begun < 15
    assert not any("parser failed" in item.reason for item in facts.unread)


PATHS = (
    "a.py", "setup.py", "x.ipynb", "pyproject.toml", "Pipfile", "uv.lock", "Pipfile.lock", "conda-lock.yml",
    "environment.yml", "requirements.txt", ".github/workflows/ci.yml", ".gitlab-ci.yml", ".circleci/config.yml",
    "Jenkinsfile", "Makefile", "tox.ini", "tox.toml", "Dockerfile", ".pre-commit-config.yaml", "README.md", "a.rst",
    "setup.cfg", "a.json", ".python-version", ".env",
)  # fmt: skip
TEXT = st.text(st.sampled_from("ab01 \n\t\"'[]{}()<>:=,.-#*|&!\\`$@_jobsteprunuesnamversion"), max_size=120)


@given(st.sampled_from(PATHS), TEXT | st.binary(max_size=120))
@settings(max_examples=600)
def test_any_content_under_any_name_is_read_or_said_to_be_unread(path: str, data: str | bytes) -> None:
    facts = read(path, data)
    assert unpack(pack(facts)) == facts
    assert not any("parser failed" in item.reason for item in facts.unread), facts.unread


def test_reading_a_document_loads_no_parser_of_another_kind() -> None:
    import subprocess

    code = (
        "import sys; from codex_audit.facts.read import read_file; read_file('a.json', b'{}', frozenset(), '');"
        "print([n for n in ('yaml', 'nbformat', 'markdown_it', 'packaging', 'dockerfile_parse') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
