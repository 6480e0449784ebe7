"""Live-looking credentials are found and never shown. They are put together here, so that this file holds
none."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.facts.secrets import find_secrets, hides, redact, redact_bytes


def letters(count: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=count))  # noqa: S311 - the same letters each time


def jwt(claims: dict[str, str]) -> str:
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps(claims)]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, letters(43)])


LIVE = {
    "AWS access key": "AKIA" + letters(16, string.ascii_uppercase + "234567"),
    "GitHub token": "ghp_" + letters(36),
    "GitLab token": "glpat-" + letters(20),
    "Slack token": "xoxb-" + letters(12, "987654321") + "-" + letters(24),
    "Google API key": "AIza" + letters(35),
    "Stripe key": "sk_live_" + letters(24),
    "Hugging Face token": "hf_" + letters(34),
    "OpenAI key": "sk-proj-" + letters(20) + "T3Blbk" + "FJ" + letters(20),
    "JSON web token": jwt({"sub": "u-93", "name": "Ada"}),
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----\n" + letters(64) + "\n" + letters(64, seed=8)
    + "\n-----END RSA PRIVATE" + " KEY-----",
}  # fmt: skip


@pytest.mark.parametrize("kind", LIVE)
def test_a_live_looking_credential_is_found_at_its_line_and_removed(kind: str) -> None:
    text = f'# first\nkey = """{LIVE[kind]}"""\nlast = 1\n'
    assert [tuple(item) for item in find_secrets(text.encode())] == [(kind, 2)]
    clean = redact(text)
    assert clean.split("\n")[1].startswith(f'key = """[redacted {kind}]')
    assert clean.count("\n") == text.count("\n")
    assert not find_secrets(clean.encode())
    assert LIVE[kind][10:30] not in clean


@pytest.mark.parametrize(
    "line",
    [
        'WANDB_API_KEY="{}"'.format(letters(40, "0123456789abcdef")),
        f"export DB_PASSWORD={letters(24)}",
        f"client_secret: {letters(32)}",
        f'{{"auth_token": "{letters(32)}"}}',
        f'os.environ["MY_SECRET"] = "{letters(32)}"',
        f'api_key: str = "{letters(32)}"',
    ],
)
def test_a_random_value_with_a_secret_name_is_found(line: str) -> None:
    assert [item.kind for item in find_secrets(line.encode())] == ["assigned secret"]
    assert "[redacted assigned secret]" in redact(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("headers = {{'Authorization': 'Bearer {}'}}", "bearer token"),
        ("curl -H 'Authorization: bearer {}' x.invalid", "bearer token"),
        ('parser.add_argument("--api-key", type=str, default="{}")', "secret as a default"),
        ('"parser.add_argument(\\"--hub-token\\", default=\\"{}\\")\\n",', "secret as a default"),
        ('parser.add_argument("--token", help="it (or not)", default="{}")', "secret as a default"),
        ("curl -H Authorization:\\ BEARER\\ {}", "bearer token"),
        ('"api_key = \\"{}\\"\\n",', "assigned secret"),
        ("\"api_key = '{}'\\n\",", "assigned secret"),
        ('click.option(\n    "--hub-token",\n    help="it",\n    default="{}",\n)', "secret as a default"),
    ],
)
def test_a_random_value_that_its_place_shows_to_be_a_secret_is_found(line: str, kind: str) -> None:
    text = line.format(letters(32))
    assert [item.kind for item in find_secrets(text.encode())] == [kind]
    assert f"[redacted {kind}]" in redact(text) and letters(32) not in redact(text)


def test_the_well_known_sample_of_a_web_token_bears_nothing() -> None:
    text = b"Authorization: Bearer " + jwt({"sub": "1234567890", "name": "John Doe"}).encode()
    assert (find_secrets(text), redact_bytes(text)) == (
        (),
        b"Authorization: Bearer [redacted JSON web token]",
    )


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer $ACCESS_TOKEN_OF_THE_SERVICE",
        "the bearer internationalization2configurations",
        'parser.add_argument("--tokenizer", default="HuggingFaceTB/SmolLM2-135M-Instruct")',
        'parser.add_argument("--end-token", default="Qwen2VL-7BInstruct-Text01")',
        'parser.add_argument("--image_token", default="Vision2Start-PadXy9Q3z")',
        '["--token"]\nx = {}\n\ndefault="' + letters(32) + '"',
        "Authorization: Bearer aws/Qwen2.5-7B-Instruct",
        'parser.add_argument("--eos_token", default="Meta_Llama31EndOfTurn22")',
        'parser.add_argument("--pad-token", default="Meta_Llama31EndOfTurn22")',
        'parser.add_argument("--api-key", default=os.environ["A"]); f("--x", default="' + letters(32) + '")',
        "ghp_" + "x" * 36,
        "hf_" + "a" * 34,
        "token = os.environ['HF_TOKEN']",
        'api_key = "your-api-key-goes-here-12345"',
        "api_key: ${{ secrets.PYPI_API_TOKEN }}",
        'pad_token = "<|endoftext|>"',
        "num_train_tokens=100000000000000000000000",
        'token = "the_quick_brown_fox_jumps_over"',
        "sk-" + "estimator-doc-link-and-a-very-long-css-class-name",
        "from hf_transfer_and_more_of_a_long_name_here import x",
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        "-----BEGIN PRIVATE" + " KEY-----\\n...\\n-----END PRIVATE" + " KEY-----",
        "-----BEGIN PRIVATE{}KEY-----' in text or find_some_other(marker, of_a_key, in_the_text_that_follows)".format(
            " "
        ),
        "commit: " + letters(40, "0123456789abcdef"),
        "tokenizer = AutoTokenizer.from_pretrained('meta-llama/Llama-2-7b-hf')",
    ],
)
def test_placeholders_and_look_alikes_are_left_alone(line: str) -> None:
    assert find_secrets(line.encode()) == ()
    assert redact(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        'password = "changeme-changeme-changeme-1"',
        jwt({"sub": "1234567890", "name": "John Doe"}),
        'export HF_TOKEN="' + LIVE["Hugging Face token"][:-4] + 'Test"',
        f'{{"auth_token": "{letters(28)}abcde"}}',
        jwt({"sub": "u-93", "use": "access_token"}),
        '"password": "Gr4nny-token-77"',
        "password = 'password123'",
        "https://ada:secret-Gr4nny@data.invalid",
    ],
)
def test_what_only_looks_like_an_example_does_not_count_and_is_hidden(line: str) -> None:
    assert find_secrets(line.encode()) == ()
    assert hides(line.encode())
    value = max(re.findall(r"[^\s\"':@,}/]{8,}", line), key=len)
    assert "[redacted " in redact(line)
    assert value not in redact(line)


@pytest.mark.parametrize(
    "value",
    [
        letters(9, "987654321") + ":A" + "A" + letters(33),
        letters(32, "0123456789abcdef") + "-" + "us12",
        "sq" + "0csp-" + letters(43),
        letters(86) + "==",
    ],
)
def test_what_only_the_scanner_counts_is_hidden_by_its_form(value: str) -> None:
    line = (
        f'client = Client("Account{"Key"}={value}")'
        if value.endswith("==")
        else f'client = Client("{value}")'
    )
    assert value not in redact(line)
    assert find_secrets(line.encode()) == ()


@pytest.mark.parametrize(
    "value", ["changeme", "<your password>", "your-password-here", "PASSWORD", "xxxxxxxx", "********"]
)
def test_a_placeholder_for_a_password_stays(value: str) -> None:
    assert not hides(f'"password": "{value}"'.encode())


@pytest.mark.parametrize(
    "line",
    [
        "DB_PASSWORD={} ./serve",
        "\t@DB_PASSWORD={} $(PYTHON) -m serve",
        "DB_PASSWORD ?= {}",
        "DB_PASSWORD := {}",
        "docker run -e PGPASSWORD={} image",
        "mysqldump --password={} db | gzip",
        "MYSQL_PWD={}; mysql",
    ],
)
def test_a_bare_password_before_a_command_is_hidden(line: str) -> None:
    value = "kU8vQz" + "7Lm2Rw"
    assert redact(line.format(value)) == line.format("[redacted password]")


@pytest.mark.parametrize(
    "line",
    [
        "connect(password=pass1, host=h)",
        "cd $OLD_PWD=/srv2 x",
        "password = first1 or second2",
        "PASSWORD=${P1} x",
    ],
)
def test_code_and_variables_that_name_a_password_stay(line: str) -> None:
    assert redact(line) == line


def test_a_bare_value_in_yaml_stays_a_string() -> None:
    import yaml

    for prefix in ("a: ", "a:\n  - ", "a: {b: 1, c: "):
        text = prefix + LIVE["GitHub token"] + ("}" if "{" in prefix else "") + "\n"
        assert "[redacted GitHub token]" in str(yaml.safe_load(redact(text)))
        assert "[['redacted" not in str(yaml.safe_load(redact(text)))


@pytest.mark.parametrize(
    "data",
    [
        b"-----BEGIN RSA PRIVATE" + b" KEY-----\n" * 1 + b"-----BEGIN RSA PRIVATE KEY-----\n" * 30_000,
        b"token=" * 200_000,
        b"AKIA" * 200_000,
        b"eyJa" * 200_000,
        b"eyJaaaaaaaaaaaa." * 50_000,
        b'secret = "' * 100_000,
        b"password=" + b"A1b2" * 2**18,
    ],
)
def test_scanning_takes_linear_time(data: bytes) -> None:
    begun = time.process_time()
    find_secrets(data)
    assert time.process_time() - begun < 10


@given(
    st.lists(st.sampled_from([*LIVE.values(), "\n", " ", '"', "x = ", "token: ", "é", "\x00"]), max_size=12)
)
@settings(max_examples=200)
def test_redaction_keeps_every_line_and_leaves_nothing_to_redact(parts: list[str]) -> None:
    data = " ".join(parts).encode()
    clean = redact_bytes(data)
    assert clean.count(b"\n") == data.count(b"\n")
    assert redact_bytes(clean) == clean
