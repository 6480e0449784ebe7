"""TOML, YAML, INI and JSON become the same scalars, each at the line of its key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.facts.ini import ini_entries, read_ini
from codex_audit.facts.json_file import read_json
from codex_audit.facts.model import Setting, SettingsFacts
from codex_audit.facts.source import ReadError
from codex_audit.facts.toml import read_toml
from codex_audit.facts.yaml_events import read_yaml

Read = Callable[[bytes, str], SettingsFacts]


def items(read: Read, text: str | bytes) -> list[tuple[str, str, int]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [tuple(item) for item in read(data, "file").settings]  # type: ignore[misc]


def test_toml_keys_keep_their_lines_through_tables_arrays_and_strings() -> None:
    text = '''# comment with [brackets] = 1
[project]
name = "x"  # "quoted"
dependencies = [
  "a>=1",  # ]
  'b', {k = 1.5, "z.y" = []},
]
when = 1979-05-27 07:32:00Z
text = """
one = [
two"""
[[tool.run]]
on.push = true
[tool.run.env]
[[tool.run]]
off = false
'''
    assert items(read_toml, text) == [
        ("project.name", "x", 3),
        ("project.dependencies[0]", "a>=1", 5),
        ("project.dependencies[1]", "b", 6),
        ("project.dependencies[2].k", "1.5", 6),
        ("project.dependencies[2].z.y", "[]", 6),
        ("project.when", "1979-05-27 07:32:00+00:00", 8),
        ("project.text", "one = [\ntwo", 9),
        ("tool.run[0].on.push", "true", 13),
        ("tool.run[0].env", "{}", 14),
        ("tool.run[1].off", "false", 16),
    ]


def test_yaml_keeps_plain_text_and_reads_the_core_schema() -> None:
    text = """on: [push]
python: 3.10
flags: {a: yes, b: True, c: ~, d: "true"}
run: |
  one
  two
empty: {}
none:
"""
    assert items(read_yaml, text) == [
        ("on[0]", "push", 1),
        ("python", "3.10", 2),
        ("flags.a", "yes", 3),
        ("flags.b", "true", 3),
        ("flags.c", "null", 3),
        ("flags.d", "true", 3),
        ("run", "one\ntwo\n", 4),
        ("empty", "{}", 7),
        ("none", "null", 8),
    ]


def test_yaml_tags_run_nothing_and_fail_nowhere() -> None:
    text = 'a: !!python/object/apply:os.system ["exit 1"]\nb: !reference [.x, script]\nc: !vault secret\n'
    assert [key for key, _, _ in items(read_yaml, text)] == ["a[0]", "b[0]", "b[1]", "c"]


def test_yaml_aliases_do_not_multiply() -> None:
    laughs = "l0: &l0 [x]\n" + "".join(
        f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 30)
    )
    found = items(read_yaml, laughs)
    assert len(found) == 1 + 29 * 9
    assert found[1] == ("l1[0]", "*l0", 2)


def test_yaml_scalar_aliases_have_their_value() -> None:
    assert items(read_yaml, "v: &v 3.11\nw: *v\n")[1] == ("w", "3.11", 2)


def test_yaml_keys_that_are_collections_do_not_derail_the_walk() -> None:
    assert items(read_yaml, "? [a, b]\n: {c: d}\ne: f\n")[-2:] == [("?.c", "d", 2), ("e", "f", 3)]


def test_yaml_documents_follow_each_other() -> None:
    assert items(read_yaml, "a: 1\n---\nb: 2\n") == [("a", "1", 1), ("b", "2", 3)]


def test_json_repeats_a_key_that_is_given_twice() -> None:
    assert items(read_json, '{"a": 1,\n "a": [true, null, {}],\n "b": 1e-4}') == [
        ("a", "1", 1),
        ("a[0]", "true", 2),
        ("a[1]", "null", 2),
        ("a[2]", "{}", 2),
        ("b", "0.0001", 3),
    ]


def test_ini_options_keep_their_case_and_their_lines() -> None:
    text = "[tool:pytest]\naddOpts =\n  -q\n  # no\n  --cov = pkg\n[flags]\nbare\nx: 1\n"
    assert items(read_ini, text) == [
        ("tool:pytest.addOpts", "-q\n--cov = pkg", 2),
        ("flags.bare", "", 7),
        ("flags.x", "1", 8),
    ]
    assert ini_entries(text)[0].lines == ((3, "-q"), (5, "--cov = pkg"))


@pytest.mark.parametrize("read", [read_toml, read_yaml, read_ini, read_json])
def test_line_ends_and_byte_order_marks_move_no_line(read: Read) -> None:
    texts: dict[Read, str] = {
        read_toml: "[t]\n\na = 1\n",
        read_yaml: "t:\n\n  a: 1\n",
        read_ini: "[t]\n\na = 1\n",
        read_json: '{"t":\n\n{"a": 1}}',
    }
    for ending in ("\n", "\r\n", "\r"):
        data = b"\xef\xbb\xbf" + texts[read].replace("\n", ending).encode()
        assert items(read, data) == [("t.a", "1", 3)]


@pytest.mark.parametrize(
    ("read", "text", "line"),
    [
        (read_toml, b"a = 1\na = 2\n", 2),
        (read_toml, b"ok = 1\nbad = [1,\n", 0),
        (read_yaml, b"ok: 1\nbad: a: b\n", 2),
        (read_yaml, b"ok: 1\n\tbad\n", 2),
        (read_json, b'{"a": 1,\n}', 2),
        (read_ini, b"[s]\nok = 1\n= 2\n", 3),
        (read_ini, b"early = 1\n", 1),
        (read_toml, b"ok = 1\nbad = \xff\n", 2),
        (read_json, b"", 1),
        (read_yaml, b"ok: 1\nbad: \x01\n", 2),
        (read_toml, b"big = " + b"9" * 6000, 0),
    ],
)
def test_a_broken_file_names_its_line(read: Read, text: bytes, line: int) -> None:
    with pytest.raises(ReadError) as caught:
        read(text, "file")
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_json, b"[" * 100_000),
        (read_json, b'{"a":' * 100_000),
        (read_yaml, b"[" * 100_000),
        (read_yaml, b"- " * 100_000),
        (read_toml, b"a = " + b"[" * 100_000),
        (read_toml, b"a = " + b"{b = " * 100_000),
        (read_toml, b"a." * 100_000 + b"a = 1"),
        (read_toml, b"[" + b"a." * 100_000 + b"a]\nb = 1"),
    ],
)
def test_nesting_of_a_hundred_thousand_is_refused(read: Read, text: bytes) -> None:
    with pytest.raises(ReadError, match="nested deeper than"):
        read(text, "file")


def test_a_table_of_records_is_data() -> None:
    with pytest.raises(ReadError) as caught:
        read_json(json.dumps(list(range(60_000))).encode(), "file")
    assert caught.value.data


def test_a_value_is_cut_and_a_huge_key_stays_bounded() -> None:
    found = read_json(json.dumps({"k" * 100_000: ["v" * 100_000]}).encode(), "file").settings[0]
    assert len(found.value) == 2_000
    assert len(found.key) <= 500


KEY = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def trees(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, object]]:
    leaf = st.none() | st.booleans() | st.integers() | text
    tree = st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
        max_leaves=30,
    )
    return st.dictionaries(KEY, tree, max_size=6)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """What flattening should give, said in the obvious recursive way."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def written(value: object) -> str:
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )


@given(trees(st.text(max_size=20)), st.sampled_from([None, 0, 2]))
@settings(max_examples=150)
def test_flattening_a_json_document_gives_each_scalar_at_a_line_that_holds_its_key(
    document: dict[str, object], indent: int | None
) -> None:
    text = json.dumps(document, indent=indent)
    found: tuple[Setting, ...] = read_json(text.encode(), "file").settings
    assert [(item.key, item.value) for item in found] == [
        (key, written(value)) for key, value in leaves(document)
    ]
    lines = text.split("\n")
    for item in found:
        last = item.key.rpartition(".")[2]
        if last and not last.endswith("]"):
            assert f'"{last}"' in lines[item.line - 1]


@given(trees(ASCII))
@settings(max_examples=100)
def test_yaml_reads_json_as_json_does(document: dict[str, object]) -> None:
    data = json.dumps(document, indent=1).encode()
    expected = [(item.key, item.line) for item in read_json(data, "file").settings]
    assert [(item.key, item.line) for item in read_yaml(data, "file").settings] == expected


@given(st.binary(max_size=300), st.sampled_from([read_toml, read_yaml, read_ini, read_json]))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(data: bytes, read: Read) -> None:
    try:
        read(data, "file")
    except ReadError as error:
        assert error.reason
