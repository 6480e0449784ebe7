"""Unigram vocabularies (Kudo, arXiv:1804.10959): many candidate pieces, thinned out by how little each is missed.

As in the paper, expectation maximisation with a sparse prior, and pruning by the loss of likelihood. Here a piece's
loss is estimated from its expected count and its own second-best segmentation. All sums are over sorted arrays, so that
the same words give the same pieces and scores.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LONGEST = 16  # characters of a piece
_LONGEST_WORD = 48  # longer words are cut: the work is by position of the longest
_MOST_WORDS = 200_000  # different words that are looked at: the most frequent
_KEEP = 0.75  # of the pieces in one round
_SPARE = 1.1  # pieces above the wanted number when pruning ends
_SCARCE = 0.5  # expected occurrences below which a piece is dropped
_CANDIDATES = 10  # for each wanted piece


def count_words(words: Iterable[str]) -> Counter[str]:
    """How often each of ``words`` occurs, long ones in parts."""
    counts: Counter[str] = Counter()
    for word in words:
        if len(word) <= _LONGEST_WORD:
            counts[word] += 1
        else:
            counts.update(word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))
    return counts


def train_unigram(counts: Mapping[str, int], size: int) -> list[tuple[str, float]]:
    """At most ``size`` pieces with their log probabilities, best first. Characters are kept as far as there is room,
    the frequent ones first."""
    if size < 1:
        return []
    single = _characters(counts, size)
    words, weights = _usable(counts, set(single))
    if not words:
        return [(char, 0.0) for char in single]
    pieces, scores = _candidates(words, weights, single, max(_CANDIDATES * size, 20_000))
    kept = len(single)  # these stand first and are never dropped
    lattice = _lattice(words, pieces)
    while True:
        pieces, scores, lattice = _fitted(lattice, weights, pieces, scores, kept)
        if len(pieces) <= size * _SPARE:
            break
        most = max(int(size * _SPARE), int(len(pieces) * _KEEP))
        stays = _prune(lattice, weights, pieces, scores, kept, most)
        pieces, scores, lattice = list(compress(pieces, stays)), scores[stays], _thinned(lattice, stays)
    best = np.lexsort((np.arange(len(pieces)), -scores))
    extra = [int(at) for at in best if at >= kept][: size - kept]
    final = [(pieces[at], round(float(scores[at]), 6)) for at in (*range(kept), *extra)]
    return sorted(final, key=lambda item: (-item[1], item[0]))


def _characters(counts: Mapping[str, int], most: int) -> list[str]:
    found: Counter[str] = Counter()
    for word, count in counts.items():
        for char in word:
            found[char] += count
    return sorted(found, key=lambda char: (-found[char], char))[:most]


def _usable(counts: Mapping[str, int], known: set[str]) -> tuple[list[str], Floats]:
    """The most frequent words of known characters, sorted, and their counts."""
    words = [word for word in counts if word and known.issuperset(word)]
    words = sorted(words, key=lambda word: (-counts[word], word))[:_MOST_WORDS]
    words.sort()
    return words, np.array([counts[word] for word in words], dtype=np.float64)


def _candidates(
    words: Sequence[str], weights: Floats, single: Sequence[str], most: int
) -> tuple[list[str], Floats]:
    """Characters, then the substrings that occur twice or more and cover the most text, with their shares of it."""
    found: Counter[str] = Counter()
    for word, weight in zip(words, weights.tolist(), strict=True):
        for begin in range(len(word)):
            for end in range(begin + 1, min(begin + _LONGEST, len(word)) + 1):
                found[word[begin:end]] += weight
    longer = [piece for piece, count in found.items() if len(piece) > 1 and count >= 2]
    longer.sort(key=lambda piece: (-found[piece] * len(piece), piece))
    pieces = [*single, *longer[: max(0, most - len(single))]]
    covered = np.array([max(found[piece], 0.1) * len(piece) for piece in pieces])
    return pieces, np.log(covered / covered.sum())


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where pieces lie in words, in an order in which all that end (or begin) at one position stand together, and
    there all of one word. ``groups`` are the places where such a group begins; ``cuts`` bound the positions."""

    word: Ints
    begin: Ints
    end: Ints
    piece: Ints
    groups: Ints
    cuts: Ints  # [positions + 1], into groups


@dataclass(frozen=True, slots=True)
class _Lattice:
    ends: _Edges
    begins: _Edges
    lengths: Ints


def _lattice(words: Sequence[str], pieces: Sequence[str], *, whole: bool = True) -> _Lattice:
    """All segmentations of ``words`` into ``pieces``; without ``whole`` no longer word is a piece itself."""
    index = {piece: number for number, piece in enumerate(pieces)}
    rows = array("q")  # tuples of a list would take ten times the memory
    for number, word in enumerate(words):
        size = len(word)
        for begin in range(size):
            for end in range(begin + 1, min(begin + _LONGEST, size) + 1):
                piece = index.get(word[begin:end])
                if piece is not None and (whole or size == 1 or end - begin < size):
                    rows.extend((number, begin, end, piece))
    table = np.frombuffer(rows, dtype=np.int64).reshape(-1, 4).T
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    return _Lattice(_sorted(table, table[2], longest), _sorted(table, table[1], longest), lengths)


def _sorted(table: Ints, position: Ints, longest: int) -> _Edges:
    order = np.lexsort((table[0], position))
    return _grouped(table[:, order], position[order], longest)


def _grouped(table: Ints, at: Ints, longest: int) -> _Edges:
    """Edges that stand in order of their position ``at`` and their word."""
    word, begin, end, piece = table
    fresh = np.flatnonzero(np.diff(word, prepend=-1) | np.diff(at, prepend=-1))
    cuts = np.searchsorted(at[fresh], np.arange(longest + 2))
    return _Edges(word, begin, end, piece, fresh, cuts)


def _forward(edges: _Edges, scores: Floats, words: int, longest: int, *, best: bool = False) -> Floats:
    """Log sum over (with ``best``: the largest of) the segmentations up to each position, [words, longest + 1]."""
    sums = np.full((words, longest + 1), -np.inf)
    sums[:, 0] = 0.0
    for position in range(1, longest + 1):
        _reach(sums, edges, scores, position, edges.begin, best)
    return sums


def _backward(edges: _Edges, scores: Floats, lengths: Ints) -> Floats:
    """The same from each position to the end of the word."""
    longest = int(lengths.max(initial=0))
    sums = np.full((len(lengths), longest + 1), -np.inf)
    sums[np.arange(len(lengths)), lengths] = 0.0
    for position in range(longest - 1, -1, -1):
        _reach(sums, edges, scores, position, edges.end, best=False)
    return sums


def _reach(sums: Floats, edges: _Edges, scores: Floats, position: int, source: Ints, best: bool) -> None:
    first, last = edges.cuts[position], edges.cuts[position + 1]
    if first == last:
        return
    low = edges.groups[first]
    high = edges.groups[last] if last < len(edges.groups) else len(edges.word)
    values = sums[edges.word[low:high], source[low:high]] + scores[edges.piece[low:high]]
    starts = edges.groups[first:last] - low
    most = np.maximum.reduceat(values, starts)
    if not best:
        sizes = np.diff(starts, append=high - low)
        most = most + np.log(np.add.reduceat(np.exp(values - np.repeat(most, sizes)), starts))
    sums[edges.word[edges.groups[first:last]], position] = most


def _expected(lattice: _Lattice, weights: Floats, scores: Floats) -> Floats:
    """How often each piece occurs, over all segmentations by their probability."""
    longest = int(lattice.lengths.max(initial=0))
    edges = lattice.ends
    ahead = _forward(edges, scores, len(weights), longest)
    behind = _backward(lattice.begins, scores, lattice.lengths)
    total = ahead[np.arange(len(weights)), lattice.lengths]
    path = ahead[edges.word, edges.begin] + scores[edges.piece] + behind[edges.word, edges.end]
    share = np.exp(path - total[edges.word]) * weights[edges.word]
    counts: Floats = np.bincount(edges.piece, weights=share, minlength=len(scores)).astype(np.float64)
    return counts


def _fitted(
    lattice: _Lattice, weights: Floats, pieces: list[str], scores: Floats, kept: int
) -> tuple[list[str], Floats, _Lattice]:
    """Two rounds of expectation and maximisation; pieces that hardly occur are dropped after the first."""
    for _ in range(2):
        counts = _expected(lattice, weights, scores)
        stays = (counts >= _SCARCE) | (np.arange(len(pieces)) < kept)
        if not stays.all():
            pieces = list(compress(pieces, stays))
            lattice = _thinned(lattice, stays)
            counts = counts[stays]
        counts = np.maximum(counts, _SCARCE / 10)
        scores = _digamma(counts) - _digamma(counts.sum(keepdims=True))
    return pieces, scores, lattice


def _thinned(lattice: _Lattice, stays: NDArray[np.bool_]) -> _Lattice:
    """The lattice of the pieces that stay, numbered anew."""
    numbers = np.cumsum(stays) - 1
    longest = int(lattice.lengths.max(initial=0))

    def left(edges: _Edges, at: Ints) -> _Edges:
        kept = stays[edges.piece]
        table = np.stack((edges.word, edges.begin, edges.end, numbers[edges.piece]))
        return _grouped(table[:, kept], at[kept], longest)

    ends, begins = lattice.ends, lattice.begins
    return _Lattice(left(ends, ends.end), left(begins, begins.begin), lattice.lengths)


def _prune(
    lattice: _Lattice, weights: Floats, pieces: Sequence[str], scores: Floats, kept: int, most: int
) -> NDArray[np.bool_]:
    """Which ``most`` pieces would be missed the most; the first ``kept`` always stay."""
    counts = _expected(lattice, weights, scores)
    others = _lattice(pieces, pieces, whole=False)
    longest = int(others.lengths.max(initial=0))
    instead = _forward(others.ends, scores, len(pieces), longest, best=True)
    loss = counts * (scores - instead[np.arange(len(pieces)), others.lengths])
    loss[:kept] = np.inf
    stays = np.zeros(len(pieces), dtype=np.bool_)
    stays[np.lexsort((np.arange(len(pieces)), -loss))[: max(most, kept)]] = True
    return stays


def _digamma(values: Floats) -> Floats:
    """The logarithmic derivative of the gamma function (Abramowitz and Stegun 6.3.5 and 6.3.18), values > 0."""
    result = np.zeros_like(values)
    shifted = values.copy()
    for _ in range(6):
        result -= 1.0 / shifted
        shifted += 1.0
    square = 1.0 / (shifted * shifted)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return result + np.log(shifted) - 0.5 / shifted - series
