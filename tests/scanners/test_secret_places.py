"""A value that a scanner names is found again in the bytes, whatever the scanner did to the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.facts.hidden import Hidden
from codex_audit.facts.secrets import found_and_clean
from codex_audit.scanners.secret_places import Places
from tests.scanners.scanning import letters

VALUE = "S3cret-Value-99"


def hidden(data: bytes, line: int, value: str, *, formed: bool = False, encoding: str = "utf-8") -> str:
    places = Places(data, encoding).of(line, value, formed=formed)
    return found_and_clean(data, [Hidden("k", place) for place in places])[1].decode(encoding)


@pytest.mark.parametrize(
    ("text", "line", "value", "clean"),
    [
        (f'key = "{VALUE}"', 1, VALUE, 'key = "[redacted k]"'),
        (f"a\r\nkey = '{VALUE}'  # {VALUE}\r\n", 2, VALUE, "a\r\nkey = '[redacted k]'  # [redacted k]\r\n"),
        (f"\rkey = '{VALUE}'\r", 2, VALUE, "\rkey = '[redacted k]'\r"),
        (
            f'key = "{VALUE}"\nsay("no {VALUE}.")\n',
            1,
            VALUE,
            'key = "[redacted k]"\nsay("no [redacted k].")\n',
        ),
        ('secret = "secret"', 1, "secret", 'secret = "[redacted k]"'),
        (
            'my_secret_x = "my_secret_x"\nmy_secret_x()',
            1,
            "my_secret_x",
            'my_secret_x = "[redacted k]"\nmy_secret_x()',
        ),
        ("secret: secret", 1, "secret", 'secret: "[redacted k]"'),
        ('key: "ab\\"cd-ef" # x', 1, "ab\\", 'key: "[redacted k]" # x'),
        ('key: "\\x41bcd-efgh"', 1, "Abcd-efgh", 'key: "[redacted k]"'),
        ('key = ab"cd-ef', 1, "ab\\", "key = [redacted k]"),
        ("key: >\n  one two\n  three\nend", 1, "one two three", "key: >\n  [redacted k]\n\nend"),
        (f"{{a: {VALUE}, b: c}}\nd: e\n", 2, VALUE, '{a: "[redacted k]", b: c}\nd: e\n'),
        (f"key = '\\n{VALUE}'", 1, f"n{VALUE}", "key = '[redacted k]'"),
        ("nothing of it", 1, VALUE, "[redacted k]"),
    ],
)
def test_a_value_is_hidden_and_what_is_around_it_stays(text: str, line: int, value: str, clean: str) -> None:
    assert hidden(text.encode(), line, value) == clean


def test_a_value_of_a_file_that_is_not_utf8_is_hidden() -> None:
    data = "# café\nkey = 'wört-9-geheim'\n".encode("latin-1")
    clean = hidden(data, 2, "wört-9-geheim", encoding="latin-1")
    assert clean == "# café\nkey = '[redacted k]'\n"


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        'key = """{}"""',
        'key = (\n    "{}"\n)',
        "# {}",
    ],
)
def test_the_lines_of_a_private_key_are_hidden_below_its_head(form: str) -> None:
    rows = [letters(64), letters(64, seed=8), letters(12, seed=9)]
    head = "-----BEGIN SSH2 ENCRYPTED PRIVATE" + " KEY-----"
    between = '\\n"\n    "' if "(" in form else "\n# " if "#" in form else "\n"
    text = form.format(between.join([head, "Comment: x", *rows, "-----END----"])) + "\nafter = text\n"
    spans = Places(text.encode(), "utf-8").of_key(1 + text[: text.index(head)].count("\n"))
    clean = found_and_clean(text.encode(), [Hidden("k", one) for one in spans])[1].decode()
    assert [row for row in rows if row in clean] == []
    assert "\nafter = text\n" in clean
    assert clean.count("\n") == text.count("\n")


def test_code_that_looks_for_keys_is_no_key() -> None:
    text = 'if "BEGIN RSA PRIVATE' + ' KEY" in line:\n    pass\nelse:\n    start\n'
    assert Places(text.encode(), "utf-8").of_key(1) == []


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["a", '"', "'", "\\", "\n", "\r\n", " ", "=", ": ", "é", VALUE]), max_size=25),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_no_line_holds_a_value_that_was_found_there(parts: list[str], end: str, formed: bool) -> None:
    before = "".join(parts)
    text = f"{before}{end}x = {VALUE}{end}{before}"
    line = 1 + len((before + end).replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
    clean = hidden(text.encode(), line, VALUE, formed=formed)
    assert f"x = {VALUE}" not in clean
    assert clean.count("\n") == text.count("\n")


def test_a_file_of_thousands_of_values_is_hidden_in_a_moment_and_wholly() -> None:
    values = [letters(40, seed=number) for number in range(3000)]
    data = ("[" + ",\n".join(f'"{value}"' for value in values) + "]").encode()
    places = Places(data, "utf-8", left=8 * len(data))
    found = [one for line, value in enumerate(values, 1) for one in places.of(line, value, formed=True)]
    clean = found_and_clean(data, [Hidden("k", one) for one in found])[1].decode()
    assert [value for value in values if value in clean] == []
