"""The chain notices every change that leaves its head alone."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codex_evidence.chain import ZERO, ChainLink, build, extend, first_broken, head, link
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import ChainError

DIGESTS = st.binary(max_size=4).map(sha256_hex)
ROLES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
SIZES = st.integers(0, 2**53 - 1)
ITEMS = st.lists(st.tuples(ROLES, DIGESTS, SIZES), min_size=1, max_size=6, unique_by=lambda item: item[0])
FIELDS = [field.name for field in fields(ChainLink)]


@given(ITEMS)
def test_a_chain_as_built_is_whole(items: list[tuple[str, str, int]]) -> None:
    chain = build(items)
    assert first_broken(chain) is None
    assert [(item.role, item.sha256, item.size) for item in chain] == items
    assert head(chain) == chain[-1].link


@given(ITEMS, st.data())
def test_any_change_of_one_field_breaks_the_chain(
    items: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    chain = build(items)
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    former = getattr(chain[index], name)
    value = data.draw(SIZES if isinstance(former, int) else ROLES if name == "role" else DIGESTS)
    assume(value != former)
    link_changed = ChainLink(**{**asdict(chain[index]), name: value})
    changed = (*chain[:index], link_changed, *chain[index + 1 :])
    found = first_broken(changed)
    assert found is not None
    broken, reason = found
    # A changed digest of the link itself may only show in the link that follows.
    assert changed.index(broken) in {index, index + 1}
    assert reason


@given(ITEMS, st.data())
def test_a_change_with_every_digest_recomputed_changes_the_head(
    items: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    forged = [*items]
    forged[index] = (items[index][0], data.draw(DIGESTS), data.draw(SIZES))
    assume(forged != items)
    assert first_broken(build(forged)) is None
    assert head(build(forged)) != head(build(items))


@given(ITEMS, st.data())
def test_links_dropped_repeated_or_moved_show(items: list[tuple[str, str, int]], data: st.DataObject) -> None:
    chain = build(items)
    picks = data.draw(st.lists(st.sampled_from(chain), max_size=7))
    assume(tuple(picks) != chain)
    assert first_broken(tuple(picks)) is not None or head(tuple(picks)) != head(chain)


@given(ITEMS, st.integers(0, 9), DIGESTS, st.data())
def test_a_link_that_is_right_in_itself_must_also_be_in_its_place(
    items: list[tuple[str, str, int]], sequence: int, previous: str, data: st.DataObject
) -> None:
    chain = build(items)
    index = data.draw(st.integers(0, len(chain) - 1))
    true = chain[index]
    sequence, previous = data.draw(
        st.sampled_from([(sequence, true.previous), (true.sequence, previous), (sequence, previous)])
    )
    assume((sequence, previous) != (true.sequence, true.previous))
    digest = link(sequence, true.role, true.sha256, true.size, previous)
    forged = ChainLink(sequence, true.role, true.sha256, true.size, previous, digest)
    found = first_broken((*chain[:index], forged, *chain[index + 1 :]))
    assert found is not None
    assert found[0] is forged


def test_the_same_link_under_a_second_number_is_named() -> None:
    one = build([("input:tree", sha256_hex(b""), 0)])
    digest = link(1, "input:tree", ZERO, 0, head(one))
    found = first_broken((*one, ChainLink(1, "input:tree", ZERO, 0, head(one), digest)))
    assert found is not None
    assert found[1] == "link 1 repeats the role input:tree"


def test_a_role_cannot_be_given_twice() -> None:
    chain = build([("input:tree", ZERO, 0)])
    with pytest.raises(ChainError, match="input:tree"):
        extend(chain, "input:tree", ZERO, 1)


def test_the_empty_chain_is_whole_and_its_head_is_zero() -> None:
    assert build([]) == ()
    assert first_broken(()) is None
    assert head(()) == ZERO == "0" * 64


def test_a_link_is_the_digest_of_text_that_anyone_can_write_down() -> None:
    text = f'{{"previous":"{ZERO}","role":"input:tree","sequence":0,"sha256":"{"ab" * 32}","size":7}}'
    assert build([("input:tree", "ab" * 32, 7)])[0].link == hashlib.sha256(text.encode()).hexdigest()
