"""The names of a file, found without a parse, and the parts of which names are made."""

from __future__ import annotations

import ast
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.facts.words import WordFinder, names_in, word_parts

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
LOWER = st.from_regex(r"[a-z]{2,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("save_LoRA", {"~save", "~lo", "~ra"}),
        ("save_pretrained", {"~save", "~pretrained"}),
        ("SavePretrained", {"~save", "~pretrained"}),
        ("SAVE_PRETRAINED", {"~save", "~pretrained"}),
        ("HFTrainer", {"~hf", "~trainer"}),
        ("AdamW", {"~adam"}),
        ("__init__", {"~init"}),
        ("x", set()),
        ("_", set()),
        ("T5", set()),
        ("", set()),
    ],
)
def test_the_parts_of_a_name(name: str, parts: set[str]) -> None:
    assert word_parts(name) == parts


@given(st.lists(LOWER, min_size=1, max_size=4))
def test_every_spelling_of_a_name_has_the_same_parts(words: list[str]) -> None:
    parts = frozenset(f"~{word}" for word in words)
    camel = "".join(word.title() for word in words)
    for name in (
        "_".join(words),
        "_".join(words).upper(),
        camel,
        camel[0].lower() + camel[1:],
        f"__{words[0]}_{camel}",
    ):
        assert word_parts(name) == parts


@given(NAMES)
def test_parts_are_lower_case_pieces_of_the_name(name: str) -> None:
    for part in word_parts(name):
        assert part[0] == "~"
        assert len(part) > 2
        assert part[1:] in name.lower()


@given(st.lists(NAMES.filter(lambda name: not keyword.iskeyword(name)), min_size=1))
def test_every_identifier_of_parsed_code_is_among_the_names(names: list[str]) -> None:
    source = "\n".join(f"{name}.{name}_x({name}={name})" for name in names)
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name.encode() for name in used} <= names_in(source.encode())


@given(st.binary(max_size=300))
def test_any_bytes_have_names_that_stand_in_them(data: bytes) -> None:
    for name in names_in(data):
        assert name in data
        assert name.decode("ascii").isidentifier()


@given(st.lists(st.lists(NAMES, max_size=6), max_size=6), st.sets(NAMES | LOWER.map("~{}".format)))
def test_a_finder_finds_wanted_names_and_parts_however_much_it_has_seen(
    files: list[list[str]], wanted: set[str]
) -> None:
    wanted |= {name for names in files for name in names[:1]}
    wanted |= {part for names in files for name in names[1:2] for part in word_parts(name)}
    finder = WordFinder(wanted)
    for names in files:
        all_words = {word for name in names for word in (name, *word_parts(name))}
        assert finder.find({name.encode() for name in names}) == all_words & wanted
