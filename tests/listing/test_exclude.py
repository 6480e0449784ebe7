from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.listing.exclude import excluder
from codex_evidence.errors import UsageError


@pytest.mark.parametrize(
    ("glob", "matches", "misses"),
    [
        (
            "third_party/**",
            ["third_party/a", "third_party/b/c"],
            ["a/third_party/b", "third_party", "third_partyx/a"],
        ),
        ("third_party", ["third_party/a", "x/third_party/b/c", "third_party"], ["third_party_2/a"]),
        ("third_party/", ["third_party/a"], ["third_party_2/a"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("*.min.js", ["x.min.js", "a/b/x.min.js"], ["x.js", "xmin.js"]),
        ("src/*.py", ["src/a.py"], ["src/b/a.py", "a.py"]),
        ("src/**/gen.py", ["src/gen.py", "src/a/b/gen.py"], ["src/agen.py", "gen.py"]),
        ("**/gen.py", ["gen.py", "a/gen.py"], ["agen.py"]),
        ("data?.csv", ["data1.csv", "x/data2.csv"], ["data.csv", "data12.csv"]),
        ("run[0-9]", ["run1", "run2/x"], ["runs", "run"]),
        ("run[!0-9]", ["runs"], ["run1", "run/"]),
        ("a[]]b", ["a]b"], ["ab"]),
        ("a.b+(c)|d", ["a.b+(c)|d"], ["axb+(c)|d", "d"]),
        ("[open", ["[open"], ["o"]),
    ],
)
def test_globs_read_as_in_a_gitignore(glob: str, matches: list[str], misses: list[str]) -> None:
    left_out = excluder([glob])
    assert [path for path in matches if not left_out(path.encode())] == []
    assert [path for path in misses if left_out(path.encode())] == []


@pytest.mark.parametrize("glob", ["", "/", "/etc", "..", "a/../b", "a//b", "./a"])
def test_a_glob_that_can_match_nothing_is_refused(glob: str) -> None:
    with pytest.raises(UsageError, match="exclude"):
        excluder([glob])


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a glob"):
        excluder(["a[z-a]"])


def test_no_globs_leave_out_nothing_and_several_add_up() -> None:
    assert not excluder([])(b"a")
    left_out = excluder(["a", "*.b"])
    assert [left_out(path) for path in (b"a", b"x.b", b"c")] == [True, True, False]


def test_names_that_are_not_utf_8_match_too() -> None:
    assert excluder(["*.py"])(b"caf\xe9.py")


@given(
    st.text("ab*?.", min_size=1, max_size=6).filter(lambda glob: glob not in {".", ".."} and "**" not in glob)
)
def test_within_one_name_a_glob_means_what_it_means_in_the_shell(glob: str) -> None:
    left_out = excluder([glob])
    for name in ("a", "b", "ab", "ba", "a.b", ".a", "aab", "abab"):
        assert left_out(name.encode()) == fnmatch.fnmatchcase(name, glob)
