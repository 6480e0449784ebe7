"""What an audit reads and shows of a tree with planted secrets: never a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_audit.facts.secrets import find_secrets, hides, redact
from codex_audit.main import main
from tests.scanners.scanning import SECRETS, letters, secret_source, write

FORMED = sorted(SECRETS)


@pytest.mark.parametrize("rule", FORMED)
def test_a_value_with_a_form_is_taken_out(rule: str) -> None:
    source = secret_source(rule)
    clean = redact(source)
    assert SECRETS[rule].split("\n")[0] not in clean
    assert letters(20) not in clean
    assert "[redacted " in clean.split("\n")[1]
    assert clean.count("\n") == source.count("\n")
    assert bool(find_secrets(source.encode())) or hides(source.encode())


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org:8080/x@y",
        "https://user:password@host.invalid",
        "postgres://app:${DB_PASSWORD}@db/x",
        "redis://:{secret}@db",
        "git@github.com:a/b.git://x",
        "SK" + "0" * 32,
        'password = "password"',
        'parser.add_argument("--password", default=None)',
        "password: str",
        "password: Optional[str] = None",
        "    password = settings.passwords[0]",
        "passwords: list[int32]",
        "pad_token: '<|end1|>'",
    ],
)
def test_addresses_and_placeholders_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "line",
    [
        "password = '{}'",
        'connect(user="ada", passwd="{}")',
        '{{"db_password": "{}"}}',
        "POSTGRES_PASSWORD: {}",
        "ENV DB_PASSWORD={}",
        "export PASSPHRASE={}",
    ],
)
def test_a_password_without_a_form_is_taken_out_where_its_name_says_what_it_is(line: str) -> None:
    source = f"a\n{line.format(SECRETS['secret-keyword'])}\nb\n"
    clean = redact(source)
    assert SECRETS["secret-keyword"] not in clean
    assert "[redacted password]" in clean
    assert (clean.count("\n"), hides(source.encode())) == (3, True)


def test_an_audit_holds_no_value_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = "import torch\n\n\ndef train(model, loss, optimizer):\n    torch.manual_seed(0)\n    loss.backward()\n"
    files = {f"{rule.replace('-', '_')}.py": secret_source(rule) + torch for rule in FORMED}
    files["README.md"] = "".join(secret_source(rule) for rule in FORMED)
    tree = write(tmp_path / "tree", files)
    out, cache = tmp_path / "out", tmp_path / "cache"
    assert main(["run", str(tree), "--output", str(out), "--cache", str(cache)]) == 0
    said = capsys.readouterr()
    written = [path for folder in (out, cache) for path in folder.rglob("*") if path.is_file()]
    held = [*(path.read_bytes() for path in written), (said.out + said.err).encode()]
    values = [SECRETS[rule].split("\n")[-2 if rule == "private-key" else 0].encode() for rule in FORMED]
    assert len(written) > 6
    assert [value for value in values if any(value in data for data in held)] == []
